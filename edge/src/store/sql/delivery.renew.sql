-- Renews leases that still hold.
-- ?1 company, ?2 JSON array of {i id, g generation}, ?3 now ms, ?4 lease end ms
update deliveries set due_at = +?4
where company = +?1 and state = 'leased' and due_at > ?3
  and id in (select value->>'i' from json_each(?2))
  and generation = (select value->>'g' from json_each(?2) where value->>'i' = deliveries.id)
returning id
