-- Webhooks whose log has old deliveries to delete, in their order after a place. Only the oldest
-- and the newest of the old deliveries are read, because those between may be held. The last row
-- may be another webhook: the place where the walk stopped before its end.
-- ?1 company and ?2 subscription of the place, ?3 now ms, ?4 most webhooks, ?5 deliveries read from
-- either end
with recursive walk (place, n) as (
  select (select json_array(company, subscription) from deliveries
          where (company, subscription, id) > (?1, ?2, 'g') order by company, subscription limit 1), 1
  union all
  select (select json_array(company, subscription) from deliveries
          where (company, subscription, id) > (walk.place ->> 0, walk.place ->> 1, 'g')
          order by company, subscription limit 1), n + 1
  from walk where place is not null and n < ?4
),
log as materialized (
  select w.n, w.place ->> 0 as company, w.place ->> 1 as subscription, ?3 - c.log_days * 86400000 as since, format('%012x', ?3 - c.log_days * 86400000) as since_id
  from walk as w join companies as c on c.id = w.place ->> 0
)
select company, subscription, prunable from (
  select n, company, subscription,
         exists (select 1 from (select finished_at from deliveries as d where d.company = log.company and d.subscription = log.subscription
                                and d.id < since_id order by d.id limit +?5) where finished_at < since)
         or exists (select 1 from (select finished_at from deliveries as d where d.company = log.company and d.subscription = log.subscription
                                   and d.id < since_id order by d.id desc limit +?5) where finished_at < since) as prunable
  from log)
where prunable or n = +?4 order by n
