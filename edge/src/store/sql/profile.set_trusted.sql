-- Sets the trusted data of a profile.
-- ?1 company, ?2 profile, ?3 trusted traits, ?4 opt-ins, ?5 consent, ?6 consent at ms, ?7 its
-- source, ?8 root, ?9 number, ?10 now ms
update profiles set trusted_traits = +?3, opt_ins = +?4, consent = +?5, consent_at = +?6, consent_source = +?7, revision = +?9, updated_at = max(updated_at + 1, ?10), searched = 0
where company = +?1 and id = +?2 and exists (select 1 from profiles where company = +?1 and id = +?8 and revision = +?9)
