-- Gives an address its profile unless it has one. ?1 company, ?2 address, ?3 profile, ?4 now ms
insert into identities (company, kind, key, profile, created_at) values (?1, 'email', ?2, ?3, ?4)
on conflict (company, kind, key) do nothing
