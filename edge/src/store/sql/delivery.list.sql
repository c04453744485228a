-- Deliveries of a subscription, newest first, each with its latest attempts. The page ends with the
-- delivery that reaches ?7 bytes; `found` is the number of rows without that limit.
-- ?1 company, ?2 subscription, ?3 limit, ?4 cursor (the last id) or null, ?5 state or null, ?6 most
-- attempts of each
select d.id, d.event, d.state, d.message_id, d.due_at, d.created_at, d.finished_at, d.body, d.attempts,
       (select json_group_array(json_object(
          'attempt', a.attempt, 'at', a.at, 'url', a.url, 'statusCode', a.status_code, 'success', a.success,
          'error', a.error, 'responseBody', a.response_body, 'durationMs', a.duration_ms) order by a.attempt)
        from (
          select * from (select attempt, at, url, status_code, success, error, response_body, duration_ms from attempts
                         where company = d.company and delivery = d.id order by attempt desc limit +?6 - 1)
          union all
          select d.attempts, d.attempt_at, d.attempt_url, d.attempt_status_code, d.attempt_success, d.attempt_error, d.attempt_response_body, d.attempt_duration_ms where d.attempts > 0) as a) as log,
       k.found
from (
  select id, count(*) over () as found, sum(bytes) over (order by id desc rows unbounded preceding) - bytes as before from (
    select d.id,
           coalesce(octet_length(d.body), 0) + coalesce(octet_length(d.attempt_url), 0) + coalesce(octet_length(d.attempt_error), 0)
           + coalesce(octet_length(d.attempt_response_body), 0) + coalesce((
             select sum(octet_length(url) + coalesce(octet_length(error), 0) + coalesce(octet_length(response_body), 0))
             from (select url, error, response_body from attempts where company = d.company and delivery = d.id order by attempt desc limit +?6 - 1)), 0) as bytes
    from deliveries as d
    where d.company = +?1 and d.subscription = +?2 and d.id < coalesce(?4, 'g')
      and (?5 is null or d.state = +?5 or (?5 = 'pending' and d.state = 'leased'))
    order by d.id desc limit +?3)
) as k
cross join deliveries as d on d.company = +?1 and d.subscription = +?2 and d.id = k.id
where k.before < ?7
order by d.id desc
