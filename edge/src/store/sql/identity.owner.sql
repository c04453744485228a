-- Whose an address is, unless it was given up; or whose it was before it was erased. ?1 company, ?2
-- address, ?3 its hash
select profile, 0 as erased from identities where company = ?1 and kind = iif(instr(?2, '@') > 0, 'email', 'user') and key = ?2 and ended_at is null
union all
select profile, 1 from tombstones where company = ?1 and hash = ?3
