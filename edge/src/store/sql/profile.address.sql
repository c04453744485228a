-- Stores the address of an edit.
-- ?1 company, ?2 profile, ?3 as typed, ?4 JSON array of all other lookup keys, ?5 revision
update profiles set email = +?3, aliases = +?4 where company = +?1 and id = +?2 and revision = +?5
