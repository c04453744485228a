-- Writes the results of attempts. Only the lease that made an attempt may settle it.
-- ?1 company, ?2 JSON array of {w subscription, i id, g generation, s state, u due ms, f finished
-- ms or null, b body, …}, ?3 the settling's number
with ended as materialized (
  select value->>'w' as w, value->>'i' as i, value->>'g' as g, value->>'s' as s, value->>'u' as u, value->>'f' as f, value->>'b' as b from json_each(?2)
)
update deliveries set
  state = e.s, attempts = attempts + 1, tries = tries + 1, interrupted = 0, due_at = e.u, finished_at = e.f, body = coalesce(body, e.b), settle_marker = +?3
from ended as e
where company = +?1 and subscription = e.w and id = e.i and generation = e.g and state = 'leased'
