-- Any other identify: a new link, with the counts of the events it owns.
-- ?5 identity key, ?6 marker
, later as materialized (
  select e.source, e.revenue from sides cross join events as e
    on e.company = +?1 and e.session = +?2 and e.ts >= sides.cut and e.ts < sides.until
  where not (e.source = 0 and e.message_id = +?4)
)
insert into links (company, session, at, id, profile, origin, events, server_events, revenue, first_ts, last_ts, has_records, identifies, sent_by_server)
select ?1, ?2, ?3, ?4, i.profile, i.origin,
       1 + iif(s.is_before is 0, s.events - (select count(*) from later), (select count(*) from later)),
       iif(s.is_before is 0, s.server_events, 0) + iif(s.is_before is 0, -1, 1) * (select coalesce(sum(source), 0) from later),
       nullif((
         select json_group_object(key, sum) from (
           select key, sum(value) as sum from (
             select key, value from json_each(iif(s.is_before is 0, s.revenue, null))
             union all select r.key, iif(s.is_before is 0, -1, 1) * r.value from later cross join json_each(later.revenue) as r
           ) group by key having sum(value) <> 0
         )
       ), '{}'),
       min(?3, coalesce((select min(ts) from events where company = +?1 and session = +?2 and ts < iif(s.is_before is 0, s.at, s.until) and ts >= iif(s.is_before, ?3, -1)), ?3)),
       max(?3, coalesce((select max(ts) from events where company = +?1 and session = +?2 and ts < iif(s.is_before is 0, s.at, s.until) and ts >= iif(s.is_before, ?3, -1)), ?3)),
       coalesce((select has_records from links where company = +?1 and session = +?2 limit 1), 0),
       iif(s.is_before is 0 or s.until < 9007199254740991, 1,
           1 + coalesce((select identifies from links where company = +?1 and session = +?2 order by at desc, id desc limit 1), 0)),
       e.sent_by_server
from identities as i left join sides as s
cross join events as e on e.company = +?1 and e.source = 0 and e.message_id = +?4 and e.request = +?6
where i.company = +?1 and i.kind = iif(instr(?5, '@') > 0, 'email', 'user') and i.key = +?5
  and not exists (select 1 from links where company = +?1 and session = +?2 and at = +?3 and id = +?4)
