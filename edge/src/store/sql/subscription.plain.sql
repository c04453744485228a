-- Subscriptions of every company whose secrets were stored before they were sealed. ?1 limit
select company, id, secret, old_secret, headers from subscriptions where sealed = 0 order by company, id limit ?1
