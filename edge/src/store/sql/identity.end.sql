-- Ends the use of an address by a person. It leads to them until another person has it.
-- ?1 company, ?2 address, ?3 profile, ?4 revision, ?5 now ms
update identities set ended_at = +?5
where company = +?1 and kind = iif(instr(?2, '@') > 0, 'email', 'user') and key = +?2 and profile = +?3 and exists (select 1 from profiles where company = +?1 and id = +?3 and revision = +?4)
