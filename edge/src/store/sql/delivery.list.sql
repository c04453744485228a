-- Deliveries of a subscription, newest first, each with its latest attempts. The page ends with the
-- delivery that reaches ?8 bytes; `found` is the number of rows without that limit.
-- ?1 company, ?2 subscription, ?3 limit, ?4 ?5 cursor (created ms, id), ?6 state or null, ?7 most
-- attempts of each
select d.id, d.event, d.state, d.message_id, d.due_at, d.created_at, d.finished_at, d.body, d.attempts,
       (select json_group_array(json_object(
          'attempt', a.attempt, 'at', a.at, 'url', a.url, 'statusCode', a.status_code, 'success', a.success,
          'error', a.error, 'responseBody', a.response_body, 'durationMs', a.duration_ms) order by a.attempt)
        from (select * from attempts where company = d.company and delivery = d.id order by attempt desc limit +?7) as a) as log,
       k.found
from (
  select id, count(*) over () as found, sum(bytes) over (order by created_at desc, id desc rows unbounded preceding) - bytes as before from (
    select d.id, d.created_at,
           coalesce(octet_length(d.body), 0) + coalesce((
             select sum(octet_length(url) + coalesce(octet_length(error), 0) + coalesce(octet_length(response_body), 0))
             from (select url, error, response_body from attempts where company = d.company and delivery = d.id order by attempt desc limit +?7)), 0) as bytes
    from deliveries as d indexed by deliveries_by_subscription
    where d.company = +?1 and d.subscription = +?2 and d.created_at <= ?4 and (d.created_at, d.id) < (?4, ?5)
      and (?6 is null or d.state = +?6 or (?6 = 'pending' and d.state = 'leased'))
    order by d.created_at desc, d.id desc limit +?3)
) as k
cross join deliveries as d on d.company = +?1 and d.id = k.id
where k.before < ?8
order by d.created_at desc, d.id desc
