-- Moves on those of these deliveries that are due but that delivery.lease and delivery.hold,
-- earlier in the batch, could neither lease nor hold. So nothing stays due for ever. If the
-- subscription was deleted, the delivery is dismissed. If its attempts were interrupted too often,
-- it is given up, as each may have ended its invocation, and the latest attempt says why. If the erasure of its person runs, it
-- becomes due later.
-- ?1 company, ?2 JSON array of {w subscription, i id}, ?3 now ms, ?4 ms early, ?5 most interruptions, ?6 ms until
-- later
with due as materialized (
  select d.subscription, d.id, d.state = 'leased' as leased, case
    when not exists (select 1 from subscriptions as s where s.company = d.company and s.id = d.subscription) then 'dismissed'
    when d.state = 'leased' and d.interrupted >= ?5 then 'exhausted' else 'pending' end as becomes
  from json_each(?2) as j cross join deliveries as d on d.company = +?1 and d.subscription = j.value->>'w' and d.id = j.value->>'i'
  where d.state = 'pending' and d.due_at <= ?3 + ?4 or d.state = 'leased' and d.due_at <= ?3
)
update deliveries set
  state = becomes,
  attempts = attempts + (becomes = 'exhausted'),
  interrupted = interrupted + (becomes = 'pending' and leased),
  finished_at = case when becomes <> 'pending' then ?3 end,
  due_at = case when becomes <> 'pending' then due_at else ?3 + ?6 end,
  attempt_at = iif(becomes = 'exhausted', ?3, attempt_at),
  attempt_url = iif(becomes = 'exhausted', '', attempt_url),
  attempt_status_code = iif(becomes = 'exhausted', null, attempt_status_code),
  attempt_success = iif(becomes = 'exhausted', 0, attempt_success),
  attempt_error = iif(becomes = 'exhausted', 'given up: ' || cast(?5 + 1 as integer) || ' attempts were interrupted before they ended', attempt_error),
  attempt_response_body = iif(becomes = 'exhausted', null, attempt_response_body),
  attempt_duration_ms = iif(becomes = 'exhausted', 0, attempt_duration_ms)
from due where deliveries.company = +?1 and deliveries.subscription = due.subscription and deliveries.id = due.id
