-- Brings a request's new events to the groups that they name, as records.merge does. Of what secret keys say a field keeps what the latest event (ts, message
-- id) says that names it, and the latest ?5 stay; a claim fills gaps of claims while there are no more than ?5. A row is written only if anything changes.
-- ?1 JSON array of {i message id, g id, k kind, o key, f fields {name: [value]}}, ?2 company, ?3 source, ?4 request, ?5 most fields
insert into groups (company, id, kind, key, first_ts, claimed, said)
select ?2, t.id, t.kind, t.key, t.ts, iif(?3 = 0, t.told, '{}'), iif(?3 = 1, t.told, '{}')
from (
  select j.value->>'g' as id, j.value->>'k' as kind, j.value->>'o' as key, e.ts,
         (select json_group_object(key, json_array(e.ts, e.message_id, json(value))) from json_each(j.value->'f')) as told
  from json_each(?1) as j cross join events as e
    on e.company = ?2 and e.source = ?3 and e.message_id = j.value->>'i' and e.request = ?4
) as t
where true
on conflict (company, id) do update set
  first_ts = min(first_ts, excluded.first_ts),
  claimed = iif((select count(*) from json_each(json_patch(excluded.claimed, claimed))) <= ?5, json_patch(excluded.claimed, claimed), claimed),
  said = iif(excluded.said = '{}', said, (
    select json_group_object(key, json(value)) from (
      select key, value from (
        select key, value, row_number() over (partition by key order by value->>0 desc, value->>1 desc) as place from (
          select key, value from json_each(groups.said) union all select key, value from json_each(excluded.said))
      ) where place = 1 order by value->>0 desc, value->>1 desc, key limit ?5
    )))
where excluded.first_ts < first_ts or excluded.said <> '{}'
  or exists (select 1 from json_each(excluded.claimed) as n where not exists (select 1 from json_each(groups.claimed) as t where t.key = n.key))
    and (select count(*) from json_each(json_patch(excluded.claimed, claimed))) <= ?5
