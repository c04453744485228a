-- ?1 company, ?2 name or null to keep, ?3 whether origins change, ?4 origins JSON or null for all,
-- ?5 revenue events JSON or null to keep, ?6 webhooks enabled or null to keep, ?7 days of logs or
-- null to keep, ?8 whether the days of events change, ?9 days or null for never deleted, ?10
-- verification or null to keep, ?11 sealed identity secret or null to keep
update companies set
  name = coalesce(?2, name),
  allowed_origins = case when ?3 then ?4 else allowed_origins end,
  revenue_events = coalesce(?5, revenue_events),
  webhooks_enabled = coalesce(?6, webhooks_enabled),
  log_days = coalesce(?7, log_days),
  event_days = case when ?8 then ?9 else event_days end,
  verification = coalesce(?10, verification),
  identity_secret = coalesce(?11, identity_secret)
where id = +?1
