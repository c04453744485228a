-- Gives up deliveries whose attempts were interrupted too often: each may have killed its own invocation. ?1 now ms, ?2 most interruptions, ?3 limit
update deliveries set state = 'exhausted', finished_at = ?1, attempts = attempts + 1
where (company, id) in (
  select company, id from deliveries where state in ('pending', 'leased') and due_at <= ?1 and state = 'leased' and interrupted >= ?2 limit ?3)
