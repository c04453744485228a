-- Logs why delivery.clear, which follows in the batch, gives deliveries up.
-- ?1 company, ?2 JSON array of {w subscription, i id}, ?3 now ms, ?4 most interruptions
insert into attempts (company, delivery, attempt, at, url, success, error, duration_ms)
select d.company, d.id, d.attempts + 1, ?3, '', 0,
       'given up: ' || cast(?4 + 1 as integer) || ' attempts were interrupted before they ended', 0
from json_each(?2) as j cross join deliveries as d on d.company = +?1 and d.subscription = j.value->>'w' and d.id = j.value->>'i'
where d.state = 'leased' and d.due_at <= ?3 and d.interrupted >= ?4
  and exists (select 1 from subscriptions as s where s.company = d.company and s.id = d.subscription)
