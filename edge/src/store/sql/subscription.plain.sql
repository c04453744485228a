-- Subscriptions of every company whose secrets were stored before they were sealed, by lot: one
-- that cannot be sealed holds up no other. ?1 limit
select company, id, secret, old_secret, headers from subscriptions where sealed = 0 order by random() limit ?1
