-- The profile that an address leads to. ?1 company, ?2 address
select profile from identities where company = ?1 and kind = 'email' and key = ?2
