-- Moves the latest attempt of deliveries to the log, before delivery.clear, which follows in the
-- batch, gives them up and writes why in its place.
-- ?1 company, ?2 JSON array of {w subscription, i id}, ?3 now ms, ?4 most interruptions
insert into attempts (company, delivery, attempt, at, url, status_code, success, error, response_body, duration_ms)
select d.company, d.id, d.attempts, d.attempt_at, d.attempt_url, d.attempt_status_code, d.attempt_success, d.attempt_error, d.attempt_response_body, d.attempt_duration_ms
from json_each(?2) as j cross join deliveries as d on d.company = +?1 and d.subscription = j.value->>'w' and d.id = j.value->>'i'
where d.state = 'leased' and d.due_at <= ?3 and d.interrupted >= ?4 and d.attempts > 0
  and exists (select 1 from subscriptions as s where s.company = d.company and s.id = d.subscription)
