-- Claims a key for a request: a new key, one whose request began more than a day ago, or one whose
-- request died without an answer. Writes nothing if the key is taken, or if the company has ?8 keys.
-- ?1 company, ?2 key, ?3 request, ?4 marker, ?5 now ms, ?6 died if it began before ms, ?7 old if it
-- began before ms, ?8 most keys
insert into idempotency_keys (company, key, request, marker, at)
select ?1, ?2, ?3, ?4, ?5
where (select count(*) from (select 1 from idempotency_keys where company = +?1 limit +?8)) < ?8
   or exists (select 1 from idempotency_keys where company = +?1 and key = +?2)
on conflict (company, key) do update
set request = excluded.request, marker = excluded.marker, at = excluded.at, status = null, answer = null
where idempotency_keys.at < ?7
   or (idempotency_keys.status is null and idempotency_keys.at < ?6 and idempotency_keys.request = excluded.request)
