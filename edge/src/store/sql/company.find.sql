-- ?1 company
select id, name, allowed_origins, revenue_events, created_at from companies where id = ?1
