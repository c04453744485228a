-- Merges a request's new events into their records, each record once. The work depends only on the
-- sent fields and the stored ones. A field has the value of its latest event (ts, message id), and
-- the latest ?4 fields stay. A record belongs to the session of its latest event with a person. All
-- of that is a maximum or a sum, so the order of arrival does not matter. The values are in arrays,
-- so that they stay as they were sent.
-- ?1 JSON array of {i message id, k kind, o id, s scans, f fields {name: [value]}}, ?2 company, ?3
-- marker, ?4 most fields
with named as materialized (
  select j.value ->> 'k' as kind, j.value ->> 'o' as id, j.value ->> 's' as scans, j.value -> 'f' as fields, e.session, e.ts, e.message_id,
         row_number() over (partition by j.value ->> 'k', j.value ->> 'o' order by e.ts desc, e.message_id desc) as place
  from json_each(?1) as j cross join events as e
    on e.company = +?2 and e.source = 1 and e.message_id = j.value ->> 'i' and e.request = +?3
),
sent as materialized (
  select kind, id, json_group_object(name, json(value)) as fields
  from (
    select kind, id, name, value, row_number() over (partition by kind, id order by ts desc, message_id desc, name) as place
    from (
      select n.kind, n.id, n.ts, n.message_id, f.key as name, json_array(n.ts, n.message_id, json(f.value)) as value,
             row_number() over (partition by n.kind, n.id, f.key order by n.ts desc, n.message_id desc) as place
      from named as n cross join json_each(n.fields) as f
    )
    where place = 1
  )
  where place <= ?4
  group by kind, id
)
insert into records (company, kind, id, session, placed_ts, placed_id, first_ts, last_ts, scans, fields)
select ?2, r.kind, r.id, r.session, iif(r.session = '', -1, r.last_ts), iif(r.session = '', '', r.last_id), r.first_ts, r.last_ts, r.scans, coalesce(t.fields, '{}')
from (
  select kind, id, min(session) as session, min(ts) as first_ts, max(ts) as last_ts, max(iif(place = 1, message_id, null)) as last_id, sum(scans) as scans
  from named group by kind, id
) as r left join sent as t on t.kind = r.kind and t.id = r.id
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
      ) where place = 1 order by value->>0 desc, value->>1 desc, key limit +?4
    )
  )
