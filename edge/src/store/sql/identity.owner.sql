-- The profile that has an identity key and did not give it up, or that had it before an erasure.
-- ?1 company, ?2 identity key, ?3 its hash
select profile, 0 as erased from identities where company = +?1 and kind = iif(instr(?2, '@') > 0, 'email', 'user') and key = +?2 and ended_at is null
union all
select profile, 1 from tombstones where company = +?1 and hash = +?3
