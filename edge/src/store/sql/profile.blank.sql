-- Deletes the counts of an erased profile.
-- ?1 company, ?2 profile
update profiles set events = 0, server_events = 0, sessions = 0, revenue = null, last_ts = null, max_link_span = 0
where company = +?1 and id = +?2 and erased_at is not null
