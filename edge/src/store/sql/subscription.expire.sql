-- Erases old secrets whose grace is over. ?1 now ms
update subscriptions set old_secret = null, old_secret_until = null where old_secret_until <= ?1
