-- The profile to which an identity key leads, or led before its erasure.
-- ?1 company, ?2 identity key, ?3 its hash
select profile, 0 as erased from identities where company = +?1 and kind = iif(instr(?2, '@') > 0, 'email', 'user') and key = +?2
union all
select profile, 1 from tombstones where company = +?1 and hash = +?3
