-- Logs why delivery.abandon, after it in the batch, gives up. ?1 now ms, ?2 most interruptions, ?3 limit
insert into attempts (company, delivery, attempt, at, url, success, error, duration_ms)
select d.company, d.id, d.attempts + 1, ?1, '', 0, 'given up: ' || cast(?2 + 1 as integer) || ' attempts were interrupted before they ended', 0
from deliveries as d where d.state in ('pending', 'leased') and d.due_at <= ?1 and d.state = 'leased' and d.interrupted >= ?2 limit ?3
