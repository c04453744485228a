-- Returns leases that were not used.
-- ?1 company, ?2 JSON array of {i id, g generation}, ?3 now ms
update deliveries set state = 'pending', due_at = +?3
where company = +?1 and state = 'leased' and id in (select value->>'i' from json_each(?2))
  and generation = (select value->>'g' from json_each(?2) where value->>'i' = deliveries.id)
