-- A new secret; the old one goes on signing until ?4 ms, or not at all. ?1 company, ?2 id, ?3 new secret, ?4 ms or null
update subscriptions set old_secret = case when ?4 is not null then secret end, old_secret_until = ?4, secret = ?3
where company = ?1 and id = ?2
