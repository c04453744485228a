-- Merges a request's new events into their groups, each group once. The work depends only on the
-- sent traits and the stored ones. Trusted traits: each has the value of its latest event (ts,
-- message id), and the latest ?5 within ?6 bytes stay. Claimed traits: they fill gaps in the order
-- of arrival, while there is room for ?5 and ?6 bytes. A row is written only if it changes. A
-- browser creates no group if ?7 groups exist that only browsers named.
-- ?1 JSON array of {i message id, g id, k kind, o key, f fields {name: [value]}}, ?2 company, ?3
-- source, ?4 marker, ?5 most fields, ?6 most bytes, ?7 most groups
with named as materialized (
  select j.key as n, j.value ->> 'g' as id, j.value ->> 'k' as kind, j.value ->> 'o' as own, j.value -> 'f' as fields, e.ts, e.message_id
  from json_each(?1) as j cross join events as e
    on e.company = +?2 and e.source = +?3 and e.message_id = j.value ->> 'i' and e.request = +?4
),
sent as materialized (
  select id, json_group_object(name, json(value) order by place) as fields
  from (
    select id, name, value, row_number() over kept as place, sum(octet_length(name) + octet_length(value)) over kept as bytes
    from (
      select n.id, n.n, n.ts, n.message_id, f.key as name, json_array(n.ts, n.message_id, json(f.value)) as value,
             row_number() over (partition by n.id, f.key order by iif(?3 = 0, n.n, 0), n.ts desc, n.message_id desc) as place
      from named as n cross join json_each(n.fields) as f
    )
    where place = 1
    window kept as (partition by id order by iif(?3 = 0, n, 0), ts desc, message_id desc, name rows unbounded preceding)
  )
  where place <= ?5 and bytes <= ?6
  group by id
)
insert into groups (company, id, kind, key, first_ts, of_pages, claimed_traits, trusted_traits)
select ?2, g.id, g.kind, g.own, g.ts, ?3 = 0, iif(?3 = 0, coalesce(t.fields, '{}'), '{}'), iif(?3 = 1, coalesce(t.fields, '{}'), '{}')
from (select id, kind, own, min(ts) as ts from named group by id) as g left join sent as t on t.id = g.id
where ?3 = 1 or exists (select 1 from groups where company = +?2 and id = g.id) or (select groups_of_pages from companies where id = +?2) < ?7
on conflict (company, id) do update set
  first_ts = min(first_ts, excluded.first_ts),
  of_pages = min(of_pages, excluded.of_pages),
  claimed_traits = iif(excluded.claimed_traits = '{}', claimed_traits, (
    select json_group_object(key, json(value) order by n) from (
      select key, value, -1 as n from json_each(groups.claimed_traits)
      union all
      select key, value, n from (
        select key, value, n,
               (select count(*) from json_each(groups.claimed_traits)) + row_number() over new as place,
               octet_length(groups.claimed_traits) + sum(octet_length(key) + octet_length(value)) over new as bytes
        from (select key, value, id as n from json_each(excluded.claimed_traits) where key not in (select key from json_each(groups.claimed_traits)))
        window new as (order by n rows unbounded preceding)
      ) where place <= ?5 and bytes <= ?6
    ))),
  trusted_traits = iif(excluded.trusted_traits = '{}', trusted_traits, (
    select json_group_object(key, json(value)) from (
      select key, value, row_number() over kept as place, sum(octet_length(key) + octet_length(value)) over kept as bytes from (
        select key, value, row_number() over (partition by key order by value ->> 0 desc, value ->> 1 desc) as place from (
          select key, value from json_each(groups.trusted_traits) union all select key, value from json_each(excluded.trusted_traits))
      ) where place = 1
      window kept as (order by value ->> 0 desc, value ->> 1 desc, key rows unbounded preceding)
    ) where place <= ?5 and bytes <= ?6))
where excluded.first_ts < first_ts or excluded.trusted_traits <> '{}' or excluded.of_pages < of_pages
  or octet_length(groups.claimed_traits) < ?6 and (select count(*) from json_each(groups.claimed_traits)) < ?5
     and exists (select 1 from json_each(excluded.claimed_traits) where key not in (select key from json_each(groups.claimed_traits)))
