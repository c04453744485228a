-- Holds those of these deliveries that are due and whose subscription does not accept them now.
-- ?1 company, ?2 JSON array of {w subscription, i id}, ?3 now ms, ?4 ms early, ?5 most interruptions
update deliveries set state = 'held', interrupted = interrupted + (state = 'leased')
where company = +?1 and (subscription, id) in (select value->>'w', value->>'i' from json_each(?2))
  and (state = 'pending' and due_at <= ?3 + ?4 or state = 'leased' and due_at <= ?3 and interrupted < ?5)
  and exists (
    select 1 from subscriptions as s join companies as c on c.id = s.company
    where s.company = deliveries.company and s.id = deliveries.subscription
      and (s.active = 0 or c.webhooks_enabled = 0 or s.open_until is not null or s.rate_limit is not null))
returning subscription, exists (
  select 1 from subscriptions where company = deliveries.company and id = deliveries.subscription
  and active = 1 and (open_until <= ?3 or rate_limit is not null)) as has_free_slot
