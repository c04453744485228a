-- The profile, if this very fact links the session to the address's person. A message id that was used for something else finds nothing,
-- whether or not the address is known. ?1 company, ?2 address, ?3 session, ?4 message id
select i.profile from identities as i
cross join events as e on e.company = ?1 and e.source = 0 and e.message_id = ?4 and e.session = ?3
cross join links as l on l.company = ?1 and l.session = ?3 and l.at = e.ts and l.id = ?4 and l.profile = i.profile
where i.company = ?1 and i.kind = 'email' and i.key = ?2
