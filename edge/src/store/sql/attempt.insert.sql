-- Logs an attempt that its claim still holds; runs before delivery.settle.
-- ?1 company, ?2 delivery, ?3 generation, ?4 at ms, ?5 url, ?6 status, ?7 success, ?8 error, ?9 answer, ?10 duration ms
insert into attempts (company, delivery, attempt, at, url, status_code, success, error, response_body, duration_ms)
select company, id, attempts + 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10 from deliveries
where company = ?1 and id = ?2 and generation = ?3 and state = 'leased'
