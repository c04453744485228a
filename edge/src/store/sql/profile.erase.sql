-- Leaves of a person the id and that it was erased, if nobody edited the profile since it was read.
-- What follows in the batch asks for ?4.
-- ?1 company, ?2 profile, ?3 the revision that was seen, ?4 this revision, ?5 now ms
update profiles
set email = null, name = null, traits = '{}', trusted_traits = '{}', opt_ins = '{}', consent = null, consent_at = null, consent_source = null, trusted_at = null,
    registered_at = null, registered_id = null, created_by_identify = null, aliases = '[]', trusted_data = null, later_claims = null, created_at = ?5, updated_at = ?5, erased_at = ?5, revision = ?4, searched = 1
where company = ?1 and id = ?2 and revision = ?3 and erased_at is null
returning id
