-- The deliveries of an event with their attempts. They were written in the instant in which it came in: no index by event is needed to find them.
-- ?1 company, ?2 source, ?3 message id, ?4 received ms
with subscribed (id) as (
  select min(subscription) from deliveries where company = ?1
  union all
  select (select min(subscription) from deliveries where company = ?1 and subscription > subscribed.id) from subscribed where subscribed.id is not null
)
select d.id, d.event, d.state, d.message_id, d.due_at, d.created_at, d.finished_at, d.body, d.subscription, w.name as webhook,
       (select json_group_array(json_object(
          'attempt', a.attempt, 'at', a.at, 'url', a.url, 'statusCode', a.status_code, 'success', a.success,
          'error', a.error, 'responseBody', a.response_body, 'durationMs', a.duration_ms) order by a.attempt)
        from attempts as a where a.company = d.company and a.delivery = d.id) as log
from subscribed as s cross join deliveries as d indexed by deliveries_by_subscription
  on d.company = ?1 and d.subscription = s.id and d.created_at = ?4 and d.source = ?2 and d.message_id = ?3
left join subscriptions as w on w.company = d.company and w.id = d.subscription
order by d.subscription, d.id
