-- ?1 company, ?2 id, ?3 name, ?4 url, ?5 events JSON, ?6 description, ?7 secret, ?8 attempts, ?9
-- delay s, ?10 timeout ms, ?11 now ms, ?12 most a company may have, ?13 headers JSON, ?14 preset,
-- ?15 active, ?16 rate limit or null, ?17 failures and ?18 ms that switch it off. Secret and
-- header values are sealed
insert into subscriptions (company, id, name, url, events, description, secret, retry_attempts, retry_delay_s, timeout_ms, created_at, headers,
                           preset, active, rate_limit, disable_failures, disable_ms, sealed)
select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?13, ?14, ?15, ?16, ?17, ?18, 1
where (select count(*) from subscriptions where company = +?1) < ?12
returning id
