-- Brings a request's new events to the records they are about. A field keeps what the latest event (ts, message id) says that names it, and the latest ?5
-- fields stay; a record lies where the latest event lies that names anybody. All of that is a maximum or a sum, so the order of arrival cannot matter.
-- Rows are merged one by one, also those of one record. The values stand in arrays so that they stay as they were sent.
-- ?1 JSON array of {i message id, k kind, o id, s scans, f fields {name: [value]}}, ?2 company, ?3 session, ?4 request, ?5 most fields
insert into records (company, kind, id, session, placed_ts, placed_id, first_ts, last_ts, scans, fields)
select ?2, j.value->>'k', j.value->>'o', ?3, iif(?3 = '', -1, e.ts), iif(?3 = '', '', e.message_id), e.ts, e.ts, j.value->>'s',
       (select json_group_object(key, json_array(e.ts, e.message_id, json(value))) from json_each(j.value->'f'))
from json_each(?1) as j cross join events as e
  on e.company = ?2 and e.source = 1 and e.message_id = j.value->>'i' and e.request = ?4
where true
on conflict (company, kind, id) do update set
  session = iif((excluded.placed_ts, excluded.placed_id) > (placed_ts, placed_id), excluded.session, session),
  placed_id = iif((excluded.placed_ts, excluded.placed_id) > (placed_ts, placed_id), excluded.placed_id, placed_id),
  placed_ts = max(placed_ts, excluded.placed_ts),
  first_ts = min(first_ts, excluded.first_ts),
  last_ts = max(last_ts, excluded.last_ts),
  scans = scans + excluded.scans,
  fields = (
    select json_group_object(key, json(value)) from (
      select key, value from (
        select key, value, row_number() over (partition by key order by value->>0 desc, value->>1 desc) as place from (
          select key, value from json_each(records.fields) union all select key, value from json_each(excluded.fields))
      ) where place = 1 order by value->>0 desc, value->>1 desc, key limit ?5
    )
  )
