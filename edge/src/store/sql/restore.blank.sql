-- Removes what is left of the people whose erasures are open, from the profiles of a slice: their own
-- and those merged into them. `store/restore_end.rs` fills in the key.
-- ?1 after this key, a JSON array, ?2 to this key, ?3 how far the end of the restore is,
-- ?4 most rows
update {table} as p
set (created_at, updated_at, erased_at) = (
      select e.erased_at, e.erased_at, e.erased_at from erasures as e
      where e.company = p.company and e.profile = coalesce(p.merged_into, p.id) and e.completed_at is null),
    email = null, name = null, traits = '{}', trusted_traits = '{}', opt_ins = '{}', consent = null, consent_at = null, consent_source = null, trusted_at = null,
    registered_at = null, registered_id = null, created_by_identify = null, aliases = '[]', trusted_data = null, later_claims = null, searched = 1,
    events = 0, server_events = 0, sessions = 0, revenue = null, last_ts = null, max_link_span = 0
where ({key}) in (select {key} from {table} where ({key}) > ({place}) order by {key} limit +?4)
  and ({key}) <= ({last}) and p.erased_at is null
  and exists (
    select 1 from erasures as e
    where e.company = p.company and e.profile = coalesce(p.merged_into, p.id) and e.completed_at is null)
  and exists (select 1 from progress where job = 'restore' and coalesce(place ->> 'end', '') = +?3)
