-- Writes the names of events that a request has stored. A new name is written while its source has
-- room. A known one is written once in a while, or when a server first sends it.
-- ?1 company, ?2 JSON array of {n name, i message id of an event that has it}, ?3 source, ?4
-- marker, ?5 now ms, ?6 most names of a source, ?7 ms between two writes of a name
insert into catalog (company, name, source, seen, last_at)
select ?1, j.value->>'n', ?3, 0, ?5
from json_each(?2) as j
where exists (select 1 from events where company = +?1 and source = +?3 and message_id = j.value->>'i' and request = +?4)
  and (exists (select 1 from catalog where company = +?1 and name = j.value->>'n')
       or (select count(*) from catalog where company = +?1 and source = +?3) + j.key < ?6)
on conflict (company, name) do update set last_at = max(last_at, excluded.last_at), source = max(source, excluded.source)
where excluded.last_at - last_at > ?7 or excluded.source > source
