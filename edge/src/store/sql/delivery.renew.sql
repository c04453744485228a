-- Renews leases that still hold.
-- ?1 company, ?2 JSON array of {w subscription, i id, g generation}, ?3 now ms, ?4 lease end ms
update deliveries set due_at = +?4
where company = +?1 and state = 'leased' and due_at > ?3
  and (subscription, id, generation) in (select value->>'w', value->>'i', value->>'g' from json_each(?2))
returning subscription, id
