-- Ends an attempt; only the claim that made it may. ?1 company, ?2 id, ?3 generation, ?4 state, ?5 due ms, ?6 finished ms or null
update deliveries set state = ?4, attempts = attempts + 1, tries = tries + 1, due_at = ?5, finished_at = ?6
where company = ?1 and id = ?2 and generation = ?3 and state = 'leased'
