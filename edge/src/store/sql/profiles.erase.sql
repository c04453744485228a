-- Erases the profiles that were merged into a person whom profile.erase, earlier in the batch, has
-- erased.
-- ?1 company, ?2 profile, ?3 its revision, ?4 now ms
update profiles indexed by profiles_merged
set email = null, name = null, traits = '{}', trusted_traits = '{}', opt_ins = '{}', consent = null, consent_at = null, consent_source = null, trusted_at = null,
    registered_at = null, registered_id = null, created_by_identify = null, aliases = '[]', trusted_data = null, later_claims = null, created_at = +?4, updated_at = +?4, erased_at = +?4, searched = 1,
    events = 0, server_events = 0, sessions = 0, revenue = null, last_ts = null, max_link_span = 0
where company = +?1 and merged_into = +?2 and exists (select 1 from profiles where company = +?1 and id = +?2 and revision = +?3)
