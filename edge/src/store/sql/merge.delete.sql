-- ?1 company, ?2 loser, ?3 root, ?4 number
delete from merges where company = +?1 and loser = +?2 and exists (select 1 from profiles where company = +?1 and id = +?3 and revision = +?4)
