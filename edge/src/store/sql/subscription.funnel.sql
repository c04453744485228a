-- Creates or changes the company's funnel webhook, a subscription with a fixed id. Null changes
-- nothing.
-- ?1 company, ?2 id, ?3 url, ?4 secret (sealed; '' for no signature), ?5 active, ?6 now ms
insert into subscriptions (company, id, name, url, events, secret, active, preset, retry_attempts, retry_delay_s, timeout_ms, created_at, sealed)
select ?1, ?2, 'Funnel', ?3, '["registration.submitted"]', coalesce(?4, ''), coalesce(?5, 1), 'funnel', 3, 1, 30000, ?6, 1
where true
on conflict (company, id) do update set
  url = +?3, secret = coalesce(?4, secret), active = coalesce(?5, active),
  releasing = case when ?5 = 1 then 'deliver' when ?5 = 0 then null when open_until is not null then coalesce(releasing, 'deliver') else releasing end,
  disabled_reason = case when ?5 is null then disabled_reason end,
  trouble = 0, open_until = null, probe = null
