-- Writes the results of attempts. Only the lease that made an attempt may settle it.
-- ?1 company, ?2 JSON array of {w subscription, i id, g generation, s state, u due ms, f finished
-- ms or null, b body, a began ms, l url, c status or null, e error or null, r answer or null, d
-- duration ms}, ?3 the settling's number
with ended as materialized (
  select value->>'w' as w, value->>'i' as i, value->>'g' as g, value->>'s' as s, value->>'u' as u, value->>'f' as f, value->>'b' as b,
         value->>'a' as a, value->>'l' as l, value->>'c' as c, value->>'e' as e, value->>'r' as r, value->>'d' as d from json_each(?2)
)
update deliveries set
  state = e.s, attempts = attempts + 1, tries = tries + 1, interrupted = 0, due_at = e.u, finished_at = e.f, body = coalesce(body, e.b), settle_marker = +?3,
  attempt_at = e.a, attempt_url = e.l, attempt_status_code = e.c, attempt_success = e.s = 'delivered', attempt_error = e.e, attempt_response_body = e.r, attempt_duration_ms = e.d
from ended as e
where company = +?1 and subscription = e.w and id = e.i and generation = e.g and state = 'leased'
