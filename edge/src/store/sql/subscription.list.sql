-- ?1 company
select id, name, url, events, description, active, retry_attempts, retry_delay_s, timeout_ms, created_at
from subscriptions where company = ?1 order by created_at, id
