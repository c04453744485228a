-- Deliveries of a subscription with their attempts, newest first. ?1 company, ?2 subscription, ?3 limit, ?4 ?5 cursor (created ms, id), ?6 state or null
select d.id, d.event, d.state, d.message_id, d.due_at, d.created_at, d.finished_at, d.body,
       (select json_group_array(json_object(
          'attempt', a.attempt, 'at', a.at, 'url', a.url, 'statusCode', a.status_code, 'success', a.success,
          'error', a.error, 'responseBody', a.response_body, 'durationMs', a.duration_ms) order by a.attempt)
        from attempts as a where a.company = d.company and a.delivery = d.id) as log
from deliveries as d
where d.company = ?1 and d.subscription = ?2 and d.created_at <= ?4 and (d.created_at, d.id) < (?4, ?5)
  and (?6 is null or d.state = ?6 or (?6 = 'pending' and d.state = 'leased'))
order by d.created_at desc, d.id desc limit ?3
