-- Changes what is not null, unless the subscription would have too many headers and more than
-- before. Switching on resets the failures and decides what happens to held deliveries. A new URL
-- closes the circuit.
-- ?1 company, ?2 id, ?3 name, ?4 url, ?5 events JSON, ?6 description, ?7 headers JSON merge patch,
-- ?8 preset, ?9 attempts, ?10 delay s, ?11 timeout ms, ?12 active, ?13 release, ?14 rate limit (0
-- none), ?15 failures and ?16 ms that switch it off, ?17 now ms, ?18 most headers
update subscriptions set
  name = coalesce(?3, name),
  url = coalesce(?4, url),
  events = coalesce(?5, events),
  description = coalesce(?6, description),
  headers = case when ?7 is null then headers else json_patch(headers, ?7) end,
  preset = case when coalesce(?8, ?9, ?10) is null then preset else ?8 end,
  retry_attempts = coalesce(?9, retry_attempts),
  retry_delay_s = coalesce(?10, retry_delay_s),
  timeout_ms = coalesce(?11, timeout_ms),
  rate_limit = case when ?14 is null then rate_limit else nullif(?14, 0) end,
  disable_failures = coalesce(?15, disable_failures),
  disable_ms = coalesce(?16, disable_ms),
  releasing = case
    when ?12 = 1 then coalesce(?13, 'deliver') when ?12 = 0 then null
    when ?4 <> url and open_until is not null or ?14 = 0 then coalesce(releasing, 'deliver') else releasing end,
  released_at = case when ?12 = 1 then ?17 else released_at end,
  disabled_reason = case when ?12 is null then disabled_reason end,
  failures = case when ?12 = 1 then 0 else failures end,
  failing_since = case when ?12 = 1 then null else failing_since end,
  trouble = case when ?12 = 1 or ?4 <> url then 0 else trouble end,
  open_until = case when ?12 = 1 or ?4 <> url then null else open_until end,
  probe = case when ?12 = 1 or ?4 <> url then null else probe end,
  active = coalesce(?12, active)
where company = +?1 and id = +?2
  and (?7 is null or (select count(*) from json_each(json_patch(headers, ?7))) <= max(?18, (select count(*) from json_each(headers))))
