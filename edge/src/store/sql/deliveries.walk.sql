-- Walks the webhooks with open deliveries from a place on. delivery.due and delivery.orphan begin
-- with this.
-- ?3 company and ?4 subscription of the place, ?5 most webhooks
with recursive walk (place, n) as (
  select (select json_array(company, subscription) from deliveries indexed by deliveries_due
          where state in ('pending', 'leased') and (company, subscription, due_at) > (?3, ?4, 9e15) order by company, subscription limit 1), 1
  union all
  select (select json_array(company, subscription) from deliveries indexed by deliveries_due
          where state in ('pending', 'leased') and (company, subscription, due_at) > (walk.place ->> 0, walk.place ->> 1, 9e15)
          order by company, subscription limit 1), n + 1
  from walk where place is not null and n < ?5
)
