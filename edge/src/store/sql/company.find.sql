-- ?1 company
select id, name, allowed_origins, revenue_events, webhooks_enabled, log_days, event_days, verification, identity_secret is not null as has_secret
from companies where id = +?1
