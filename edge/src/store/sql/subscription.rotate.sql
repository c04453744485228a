-- Sets a new secret. The old one also signs until ?4, or not at all. If there is an old secret that
-- still signs, nothing changes.
-- ?1 company, ?2 id, ?3 new secret, ?4 ms or null, ?5 now ms
update subscriptions set old_secret = case when ?4 is not null then secret end, old_secret_until = +?4, secret = +?3
where company = +?1 and id = +?2 and (?4 is null or coalesce(old_secret_until, 0) <= ?5)
