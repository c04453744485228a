-- Leases those of these deliveries that are due and whose subscription accepts them. A lease that
-- ran out counts as interrupted. While the erasure of a person runs, only its platform event goes
-- out. Deliveries of events on the person's sessions wait until the erasure is complete.
-- ?1 company, ?2 JSON array of {w subscription, i id}, ?3 now ms, ?4 ms that a pending one may be early, ?5 lease end
-- ms, ?6 most interruptions
update deliveries set state = 'leased', generation = generation + 1, due_at = +?5, interrupted = interrupted + (state = 'leased')
where company = +?1 and (subscription, id) in (select value->>'w', value->>'i' from json_each(?2))
  and (state = 'pending' and due_at <= ?3 + ?4 or state = 'leased' and due_at <= ?3 and interrupted < ?6)
  and exists (
    select 1 from subscriptions as s join companies as c on c.id = s.company
    where s.company = deliveries.company and s.id = deliveries.subscription
      and s.active = 1 and c.webhooks_enabled = 1 and s.open_until is null and s.rate_limit is null)
  and not exists (
    select 1 from erasures as r indexed by erasures_open
    where r.company = deliveries.company and r.completed_at is null and r.notice <> deliveries.message_id
      and (r.profile = deliveries.profile or exists (
        select 1 from events as e cross join links as l on l.company = e.company and l.session = e.session and +l.profile = r.profile
        where e.company = deliveries.company and e.source = deliveries.source and e.message_id = deliveries.message_id)))
