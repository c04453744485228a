-- Marks the person who loses an undone link, and subtracts its counts. The later statements of the
-- batch check the number.
-- ?1 company, ?2 profile, ?3 message id, ?4 number, ?5 now ms, ?6 session, ?7 at
update profiles set
  revision = +?4, updated_at = max(updated_at + 1, ?5), searched = 0,
  events = profiles.events - l.events,
  server_events = profiles.server_events - l.server_events,
  sessions = sessions - not exists (
    select 1 from links as o where o.company = +?1 and o.session = +?6 and o.id <> '' and +o.profile = +?2 and not (o.at = +?7 and o.id = +?3)),
  revenue = nullif((
    select json_group_object(key, sum) from (
      select key, max(min(sum(value), 1000000000000000000), -1000000000000000000) as sum from (
        select key, value from json_each(profiles.revenue)
        union all select key, -value from json_each(l.revenue)
      ) group by key having sum(value) <> 0
    )
  ), '{}')
from links as l
where profiles.company = +?1 and profiles.id = +?2 and l.company = +?1 and l.session = +?6 and l.at = +?7 and l.id = +?3
  and exists (select 1 from events where company = +?1 and source = 0 and message_id = +?3 and request = +?4 and session = '')
