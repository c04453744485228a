-- Leases a due delivery to one attempt, or does nothing (no subscription to send for, or switched off). ?1 company, ?2 id, ?3 generation seen, ?4 now ms, ?5 lease end ms, ?6 body
update deliveries set state = 'leased', generation = generation + 1, due_at = ?5, body = coalesce(body, ?6)
where company = ?1 and id = ?2 and generation = ?3 and state in ('pending', 'leased') and due_at <= ?4
returning body
