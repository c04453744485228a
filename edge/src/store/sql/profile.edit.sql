-- Stores trusted data, if nobody changed the profile after it was read and nobody else has its new
-- address. The later statements of the batch check ?9. `updated_at` grows with every change, even
-- within a millisecond, because it is the version of the user object.
-- ?1 company, ?2 profile, ?3 trusted traits, ?4 opt-ins, ?5 consent, ?6 consent at ms, ?7 its
-- source, ?8 the revision that was read, ?9 this revision, ?10 now ms, ?11 address or null, ?12 its
-- hash, which no tombstone may have, ?13 the version that was read, ?14 this version
update profiles
set trusted_traits = +?3, opt_ins = +?4, consent = +?5, consent_at = +?6, consent_source = +?7, revision = +?9, trusted_at = +?10, updated_at = +?14, searched = 0
where company = +?1 and id = +?2 and revision = +?8 and updated_at = +?13 and erased_at is null and merged_into is null
  and (?11 is null or not exists (
    select 1 from identities where company = +?1 and kind = iif(instr(?11, '@') > 0, 'email', 'user') and key = +?11 and profile <> ?2 and ended_at is null))
  and (?12 is null or not exists (select 1 from tombstones where company = +?1 and hash = +?12))
returning id
