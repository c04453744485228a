-- Makes room for new names when their source is full: deletes names that were not sent for long.
-- Whether there is a new name is found once, so that the names of a request and those of the
-- catalogue are each read once.
-- ?1 company, ?2 JSON array of {n name}, ?3 source, ?4 most names of a source, ?5 last sent before,
-- ms
delete from catalog where company = +?1 and name in (
  select k.name
  from (
    select 1 from json_each(?2) as j
    where not exists (select 1 from catalog where company = +?1 and name = j.value->>'n')
      and (select count(*) from catalog where company = +?1 and source = +?3) >= ?4
    limit 1
  ) cross join catalog as k on k.company = +?1 and k.source = +?3 and k.last_at < ?5)
