-- The profile, if this very fact links the session to the address's person. A message id that was used for something else finds nothing,
-- whether or not the address is known. An address that was erased finds the id it led to, and nothing was stored: to a stranger it looks like any other.
-- ?1 company, ?2 address, ?3 session, ?4 message id, ?5 hash of the address
select i.profile from identities as i
cross join events as e on e.company = ?1 and e.source = 0 and e.message_id = ?4 and e.session = ?3
cross join links as l on l.company = ?1 and l.session = ?3 and l.at = e.ts and l.id = ?4 and l.profile = i.profile
where i.company = ?1 and i.kind = iif(instr(?2, '@') > 0, 'email', 'user') and i.key = ?2
union all
select profile from tombstones
where company = ?1 and hash = ?5 and not exists (select 1 from events where company = ?1 and source = 0 and message_id = ?4)
