-- Gives a person a further address that nobody has. ?1 company, ?2 address, ?3 profile, ?4 now ms
insert into identities (company, kind, key, profile, created_at)
select ?1, 'email', ?2, ?3, ?4 from profiles where company = ?1 and id = ?3 and merged_into is null and erased_at is null
on conflict (company, kind, key) do nothing
