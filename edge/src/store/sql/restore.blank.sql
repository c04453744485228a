-- Removes what is left of the people whose erasures are open, from their profiles and those merged
-- into them.
-- ?1 number of all batches, ?2 after this company, ?3 to this company
update profiles as p
set email = null, name = null, traits = '{}', trusted_traits = '{}', opt_ins = '{}', consent = null, consent_at = null, consent_source = null, trusted_at = null,
    registered_at = null, registered_id = null, created_by_identify = null, aliases = '[]', trusted_data = null, later_claims = null,
    created_at = e.erased_at, updated_at = e.erased_at, erased_at = e.erased_at, searched = 1,
    events = 0, server_events = 0, sessions = 0, revenue = null, last_ts = null, max_link_span = 0
from erasures as e
where p.company > ?2 and p.company <= ?3 and p.erased_at is null
  and e.company = p.company and e.profile = coalesce(p.merged_into, p.id) and e.completed_at is null
  and exists (select 1 from progress where job = 'restore' and place ->> 'next' = +?1)
