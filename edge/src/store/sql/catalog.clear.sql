-- Makes room where a door is full and a new name has come: those go that were not seen for long.
-- ?1 company, ?2 JSON array of {n name}, ?3 source, ?4 names of a door, ?5 seen before, ms
delete from catalog where company = ?1 and name in (
  select k.name
  from json_each(?2) as j cross join catalog as k
  where not exists (select 1 from catalog where company = ?1 and name = j.value->>'n')
    and (select count(*) from catalog where company = ?1 and source = ?3) >= ?4
    and k.company = ?1 and k.source = ?3 and k.last_at < ?5)
