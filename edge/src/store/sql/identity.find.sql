-- The profile that an address leads to, or led to before it was erased. ?1 company, ?2 address, ?3
-- its hash
select profile, 0 as erased from identities where company = ?1 and kind = iif(instr(?2, '@') > 0, 'email', 'user') and key = ?2
union all
select profile, 1 from tombstones where company = ?1 and hash = ?3
