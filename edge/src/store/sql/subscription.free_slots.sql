-- Subscriptions of every company with a free throttle slot and held deliveries. Companies take
-- turns; in each, the subscription that waited longest comes first. A company that is not in this
-- cell has none.
-- ?1 now ms, ?2 limit
select company, id from (
  select s.company, s.id, coalesce(s.open_until, s.rate_at) as since,
         row_number() over (partition by s.company order by coalesce(s.open_until, s.rate_at)) as turn
  from subscriptions as s indexed by subscriptions_paced join companies as c on c.id = s.company
  where (s.open_until is not null or s.rate_limit is not null) and s.active = 1 and c.webhooks_enabled = 1
    and not exists (select 1 from away where company = s.company) and coalesce(s.open_until, 0) <= ?1 and coalesce(s.rate_at, 0) <= ?1
    and exists (select 1 from deliveries as d indexed by deliveries_held where d.company = s.company and d.subscription = s.id and d.state = 'held'))
order by turn, since limit +?2
