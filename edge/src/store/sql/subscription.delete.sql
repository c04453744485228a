-- ?1 company, ?2 id
delete from subscriptions where company = +?1 and id = +?2
