-- All cells.
select cell, state, jurisdiction, region, companies, bytes, schema, first_seen_at, seen_at, error from cells order by cell
