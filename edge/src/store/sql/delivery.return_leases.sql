-- Returns leases that were not used.
-- ?1 company, ?2 JSON array of {w subscription, i id, g generation}, ?3 now ms
update deliveries set state = 'pending', due_at = +?3
where company = +?1 and state = 'leased'
  and (subscription, id, generation) in (select value->>'w', value->>'i', value->>'g' from json_each(?2))
