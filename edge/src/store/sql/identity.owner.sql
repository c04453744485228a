-- Whose an address is, unless it was given up. ?1 company, ?2 address
select profile from identities where company = ?1 and kind = 'email' and key = ?2 and ended_at is null
