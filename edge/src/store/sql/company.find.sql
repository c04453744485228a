-- ?1 company
select id, name, allowed_origins, revenue_events, webhooks_enabled, log_days, event_days from companies where id = ?1
