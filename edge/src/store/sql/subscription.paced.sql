-- Subscriptions of every company that have a turn to take and something that waits for it. ?1 now ms, ?2 limit
select company, id from subscriptions as s
where (open_until is not null or rate_limit is not null) and active = 1 and coalesce(open_until, 0) <= ?1 and coalesce(rate_at, 0) <= ?1
  and exists (select 1 from deliveries as d where d.company = s.company and d.subscription = s.id and d.state = 'held')
order by coalesce(open_until, rate_at) limit ?2
