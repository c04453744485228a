-- What a test delivery needs. ?1 company, ?2 id
select url, headers, secret, old_secret, timeout_ms from subscriptions where company = ?1 and id = ?2
