-- Makes the answers that were stored for repeated requests unreadable: they may show the erased
-- person.
-- ?1 company, ?2 profile, ?3 revision
update companies set answers_salt = null
where id = +?1 and answers_salt is not null
  and exists (select 1 from profiles where company = +?1 and id = +?2 and revision = +?3)
