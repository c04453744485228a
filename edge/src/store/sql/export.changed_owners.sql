-- How many users may own other events than at a snapshot: made, changed, erased or identified since. ?1 company, ?2 snapshot ms, ?3 one user or null
select count(*) as changed from profiles as p
where p.company = ?1 and (?3 is null or p.id = ?3)
  and (p.updated_at > ?2 or p.erased_at > ?2 or exists (
    select 1 from links as l indexed by links_by_profile
    where l.company = ?1 and l.profile = p.id and l.last_ts >= (?2 + 1) * 1000 and l.at >= (?2 + 1) * 1000))
