-- Writes what the sweep of a cell saw. A cell that fills up takes no new companies.
-- ?1 cell, ?2 jurisdiction or null, ?3 region or null, ?4 now ms, ?5 why it failed, or null, ?6 JSON
-- of the gauges, ?7 companies, ?8 bytes, ?9 schema (?6 to ?9 null if it failed), ?10 bytes at which it
-- is full
insert into cells (cell, jurisdiction, region, first_seen_at, seen_at, error, gauges, companies, bytes, schema, state)
values (?1, ?2, ?3, ?4, iif(?5 is null, ?4, 0), ?5, ?6, coalesce(?7, 0), coalesce(?8, 0), coalesce(?9, 0), iif(?8 >= ?10, 'full', 'open'))
on conflict (cell) do update set
  jurisdiction = excluded.jurisdiction, region = excluded.region, error = excluded.error,
  seen_at = max(seen_at, excluded.seen_at), gauges = coalesce(excluded.gauges, gauges),
  companies = coalesce(?7, companies), bytes = coalesce(?8, bytes), schema = coalesce(?9, schema),
  state = iif(state = 'open' and ?8 >= ?10, 'full', state)
