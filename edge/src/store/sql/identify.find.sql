-- The profile, if this very fact links the session to the address's person. A message id that was used for something else finds nothing,
-- whether or not the address is known. ?1 company, ?2 address, ?3 session, ?4 message id
select i.profile from identities as i
join links as l on l.company = i.company and l.session = ?3 and l.id = ?4 and l.profile = i.profile
where i.company = ?1 and i.kind = 'email' and i.key = ?2
