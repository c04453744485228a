-- Subscriptions of every company whose secrets an older version stored unsealed, in random order.
-- So one that cannot be sealed does not block the others.
-- ?1 limit
select company, id, secret, old_secret, headers from subscriptions where sealed = 0 order by random() limit +?1
