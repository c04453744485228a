-- Makes room for a new name when its source is full: deletes names that were not sent for long.
-- ?1 company, ?2 JSON array of {n name}, ?3 source, ?4 most names of a source, ?5 last sent before,
-- ms
delete from catalog where company = +?1 and name in (
  select k.name
  from json_each(?2) as j cross join catalog as k
  where not exists (select 1 from catalog where company = +?1 and name = j.value->>'n')
    and (select count(*) from catalog where company = +?1 and source = +?3) >= ?4
    and k.company = +?1 and k.source = +?3 and k.last_at < ?5)
