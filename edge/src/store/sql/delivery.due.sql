-- Deliveries of every company that are due or whose lease has run out. Companies take turns, and so
-- do the webhooks of each; the delivery that waited longest comes first. So no backlog blocks the
-- deliveries of others. The walk covers the webhooks with open deliveries from a place on. A last
-- row without an id is the place where the walk stopped before its end. A company that is not in
-- this cell has none.
-- ?1 now ms, ?2 most deliveries, ?3 company and ?4 subscription of the place, ?5 most webhooks
, oldest as materialized (
  select place ->> 0 as company, place ->> 1 as subscription,
         (select json_array(due_at, id) from deliveries indexed by deliveries_due
          where state in ('pending', 'leased') and company = place ->> 0 and subscription = place ->> 1 and due_at <= ?1
          order by due_at, id limit 1) as due
  from walk where place is not null and not exists (select 1 from away where company = place ->> 0)
),
-- A company's n webhooks begin at the turns 1 to n and come again n turns later.
pick (company, subscription, due, turn, step) as (
  select company, subscription, due, row_number() over (partition by company order by due ->> 0),
         count(*) over (partition by company)
  from oldest where due is not null
  union all
  select company, subscription,
         (select json_array(d.due_at, d.id) from deliveries as d indexed by deliveries_due
          where d.state in ('pending', 'leased') and d.company = pick.company and d.subscription = pick.subscription
            and (d.due_at, d.id) > (pick.due ->> 0, pick.due ->> 1) and d.due_at <= ?1
          order by d.due_at, d.id limit 1), turn + step, step
  from pick where due is not null
  order by 4 limit +?2
)
select company, subscription, due ->> 1 as id from pick where due is not null
union all
select place ->> 0, place ->> 1, null from walk where n = +?5 and place is not null
