-- Takes back a lease that was not used. ?1 company, ?2 id, ?3 generation, ?4 now ms
update deliveries set state = 'pending', due_at = ?4 where company = ?1 and id = ?2 and generation = ?3 and state = 'leased'
