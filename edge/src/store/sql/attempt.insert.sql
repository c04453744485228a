-- Logs attempts whose leases still hold. Runs before delivery.settle.
-- ?1 company, ?2 JSON array of {w subscription, i id, g generation, a began ms, l url, c status or null, s state, e
-- error or null, r answer or null, d duration ms, …}
insert into attempts (company, delivery, attempt, at, url, status_code, success, error, response_body, duration_ms)
select d.company, d.id, d.attempts + 1, e.value->>'a', e.value->>'l', e.value->>'c', e.value->>'s' = 'delivered', e.value->>'e', e.value->>'r', e.value->>'d'
from json_each(?2) as e cross join deliveries as d on d.company = +?1 and d.subscription = e.value->>'w' and d.id = e.value->>'i'
where d.generation = e.value->>'g' and d.state = 'leased'
