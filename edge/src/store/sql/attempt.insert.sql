-- Moves the latest attempt of deliveries to the log, before delivery.settle writes another one in its
-- place. Only the lease that made that attempt may do so.
-- ?1 company, ?2 JSON array of {w subscription, i id, g generation, …}
insert into attempts (company, delivery, attempt, at, url, status_code, success, error, response_body, duration_ms)
select d.company, d.id, d.attempts, d.attempt_at, d.attempt_url, d.attempt_status_code, d.attempt_success, d.attempt_error, d.attempt_response_body, d.attempt_duration_ms
from json_each(?2) as e cross join deliveries as d on d.company = +?1 and d.subscription = e.value->>'w' and d.id = e.value->>'i'
where d.generation = e.value->>'g' and d.state = 'leased' and d.attempts > 0
