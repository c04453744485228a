-- Subtracts the counts of links from ?2 and adds them to ?3. Runs before links.move.
-- Parameters: those of links.move, and ?6 now ms
with moved as materialized (
  select l.session, l.id, l.events, l.server_events, l.revenue, l.last_ts - l.first_ts as lasts
  from json_each(?4) as j cross join links as l
    on l.company = +?1 and l.session = j.value ->> 0 and l.at = j.value ->> 1 and l.id = j.value ->> 2 and l.profile = +?2
),
visited as materialized (select distinct session from moved where id <> ''),
sums as materialized (
  select (select coalesce(sum(events), 0) from moved) as events, (select coalesce(sum(server_events), 0) from moved) as server_events,
         (select max(lasts) from moved where id <> '') as lasts,
         (select count(*) from visited as v where not exists (
            select 1 from links as l where l.company = +?1 and l.session = v.session and l.id <> '' and +l.profile = +?2
              and (l.at, l.id) not in (select value ->> 1, value ->> 2 from json_each(?4) where value ->> 0 = v.session))) as left_behind,
         (select count(*) from visited as v where not exists (
            select 1 from links as l where l.company = +?1 and l.session = v.session and l.id <> '' and +l.profile = +?3)) as new
)
update profiles set
  events = profiles.events + iif(profiles.id = +?3, s.events, -s.events),
  server_events = profiles.server_events + iif(profiles.id = +?3, s.server_events, -s.server_events),
  sessions = sessions + iif(profiles.id = +?3, s.new, -s.left_behind),
  max_link_span = iif(profiles.id = +?3, max(max_link_span, coalesce(s.lasts, 0)), max_link_span),
  revenue = nullif((
    select json_group_object(key, sum) from (
      select key, max(min(sum(value), 1000000000000000000), -1000000000000000000) as sum from (
        select key, value from json_each(profiles.revenue)
        union all select r.key, iif(profiles.id = +?3, r.value, -r.value) from moved cross join json_each(moved.revenue) as r
      ) group by key having sum(value) <> 0
    )
  ), '{}'),
  updated_at = max(updated_at + 1, ?6), searched = 0
from sums as s
where company = +?1 and profiles.id in (?2, ?3) and erased_at is null and exists (select 1 from rebuilds where company = +?1 and profile = +?2 and step = +?5)
