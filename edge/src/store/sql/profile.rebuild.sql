-- Works out anew, from its links and their identifies, all that a profile has from them: for when links were taken away or given. What identifies claimed is
-- told again in the order in which they arrived, by the rule of identify.profile. If the identify that made it is gone, what arrived first now did.
-- ?1 company, ?2 profile, ?3 bytes of traits at most, ?4 the number that the batch has noted on profile ?5
with recursive mine as materialized (
  select session, at, id, origin, events, server_events, revenue, first_ts, last_ts from links indexed by links_by_profile where company = ?1 and profile = ?2
),
claim as materialized (
  select row_number() over (order by e.received_at, e.ts, e.message_id) as n, e.message_id as id, e.ts, e.received_at, m.origin is null as own,
         iif(e.type = 'identify', json_remove(e.data, '$.email'), '{}') as traits,
         nullif(trim(iif(json_type(e.data, '$.name') = 'text', e.data ->> '$.name', null)), '') as name
  from mine as m cross join events as e on e.company = ?1 and e.source = 0 and e.message_id = m.id
  where m.id <> ''
),
fold (n, traits, name) as (
  select 0, '{}', null
  union all
  select c.n, iif(length(cast(json_patch(c.traits, f.traits) as blob)) <= ?3, json_patch(c.traits, f.traits), f.traits), coalesce(f.name, c.name)
  from fold as f cross join claim as c on c.n = f.n + 1
),
told as materialized (select traits, name from fold order by n desc limit 1),
made (maker, created_at) as (
  select id, ms from (
    select received_at, id, ts / 1000 as ms from claim where own
    union all
    select received_at, null, (select min(o.ts) / 1000 from events as o indexed by events_timeline where o.company = ?1 and o.session = s.session and o.request = s.request)
    from (select received_at, session, request from events indexed by events_timeline
          where company = ?1 and session = (select server_session from profiles where company = ?1 and id = ?2) order by received_at limit 1) as s
  ) order by received_at limit 1
)
update profiles set
  traits = (select traits from told),
  name = (select name from told),
  events = (select coalesce(sum(events), 0) from mine),
  server_events = (select coalesce(sum(server_events), 0) from mine),
  sessions = (select count(distinct session) from mine where id <> ''),
  last_ts = (select max(last_ts) from mine),
  longest = max(longest, (select coalesce(max(last_ts - first_ts), 0) from mine where id <> '')),
  revenue = nullif((
    select json_group_object(key, sum) from (
      select r.key, max(min(sum(r.value), 1000000000000000000), -1000000000000000000) as sum
      from mine cross join json_each(mine.revenue) as r group by r.key having sum(r.value) <> 0
    )
  ), '{}'),
  (registered_at, registered_id) = (select ts, id from claim order by n limit 1),
  created_at = iif(maker is null or exists (select 1 from mine where id = maker), created_at, coalesce((select m.created_at from made as m), created_at)),
  maker = iif(maker is null or exists (select 1 from mine where id = maker), maker, (select m.maker from made as m))
where company = ?1 and id = ?2 and exists (select 1 from profiles where company = ?1 and id = ?5 and edit = ?4)
