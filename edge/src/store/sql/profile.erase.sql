-- Erases a profile, if nobody edited it after it was read: only its id and the time of the erasure
-- stay. The later statements of the batch check ?4.
-- ?1 company, ?2 profile, ?3 the revision that was read, ?4 this revision, ?5 now ms
update profiles
set email = null, name = null, traits = '{}', trusted_traits = '{}', opt_ins = '{}', consent = null, consent_at = null, consent_source = null, trusted_at = null,
    registered_at = null, registered_id = null, created_by_identify = null, aliases = '[]', trusted_data = null, later_claims = null, created_at = +?5, updated_at = +?5, erased_at = +?5, revision = +?4, searched = 1
where company = +?1 and id = +?2 and revision = +?3 and erased_at is null
returning id
