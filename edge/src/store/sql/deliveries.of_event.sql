-- The deliveries of an event, each with its latest attempts. They have the event's time of arrival,
-- so no index by event is needed. Beyond ?6 bytes they have no body and no attempts.
-- ?1 company, ?2 source, ?3 message id, ?4 received ms, ?5 most attempts of each
with subscribed (id) as (
  select min(subscription) from deliveries where company = +?1
  union all
  select (select min(subscription) from deliveries where company = +?1 and subscription > subscribed.id) from subscribed where subscribed.id is not null
)
select d.id, d.event, d.state, d.message_id, d.due_at, d.created_at, d.finished_at, iif(k.before < ?6, d.body, null) as body, d.attempts,
       d.subscription, w.name as webhook,
       iif(k.before < ?6, (select json_group_array(json_object(
          'attempt', a.attempt, 'at', a.at, 'url', a.url, 'statusCode', a.status_code, 'success', a.success,
          'error', a.error, 'responseBody', a.response_body, 'durationMs', a.duration_ms) order by a.attempt)
        from (
          select * from (select attempt, at, url, status_code, success, error, response_body, duration_ms from attempts
                         where company = d.company and delivery = d.id order by attempt desc limit +?5 - 1)
          union all
          select d.attempts, d.attempt_at, d.attempt_url, d.attempt_status_code, d.attempt_success, d.attempt_error, d.attempt_response_body, d.attempt_duration_ms where d.attempts > 0) as a), null) as log
from (
  select subscription, id, sum(bytes) over (order by subscription, id rows unbounded preceding) - bytes as before from (
    select d.id, d.subscription,
           coalesce(octet_length(d.body), 0) + coalesce(octet_length(d.attempt_url), 0) + coalesce(octet_length(d.attempt_error), 0)
           + coalesce(octet_length(d.attempt_response_body), 0) + coalesce((
             select sum(octet_length(url) + coalesce(octet_length(error), 0) + coalesce(octet_length(response_body), 0))
             from (select url, error, response_body from attempts where company = d.company and delivery = d.id order by attempt desc limit +?5 - 1)), 0) as bytes
    from subscribed as s cross join deliveries as d
      on d.company = +?1 and d.subscription = s.id and d.id between format('%012x', ?4) and format('%012xg', ?4) and d.source = +?2 and d.message_id = +?3)
) as k
cross join deliveries as d on d.company = +?1 and d.subscription = k.subscription and d.id = k.id
left join subscriptions as w on w.company = d.company and w.id = d.subscription
order by d.subscription, d.id
