-- A slice of a company's links in the order of sessions, and of their events in a range. A link
-- stores its first and its last event, so it is searched only if it may have events in the range.
-- Returns the events as [ms, source, name], the number of browser sessions that were not counted
-- before, the last of them, and the place of the next slice if there may be one: the values of ?4
-- to ?9 as one text, of which the greatest is the last. Server events without a person have no
-- link, so '' stands for their session and comes first. The order is that of the indexes: sorting
-- would read each row again.
-- ?1 company, ?2 from ms, ?3 to ms, ?4 ?5 ?6 at the link of this session, at and id, ?7 ?8 ?9 after
-- its event of this ts, source and message id, ?10 limit, ?11 the last counted session
select json_group_array(json_array(ts / 1000, max(source, coalesce(sent_by_server, 0)), type)) filter (where type is not null and (source = 1 or session <> '')) as events,
       count(distinct page) as sessions, max(page) as session,
       iif(count(*) < ?10, null, max(session || char(1) || printf('%020d', at) || char(1) || id || char(1) || printf('%020d', ts) || char(1) || source || char(1) || message_id)) as next
from (
  select w.session, w.at, w.id, coalesce(w.ts, 9007199254740991) as ts, coalesce(w.source, 1) as source, coalesce(w.message_id, '') as message_id, e.type, e.sent_by_server,
         iif(w.source = 0 and w.session > ?11, w.session, null) as page
  from (
    select l.session, l.at, l.id, e.ts, e.source, e.message_id
    from (
      select '' as session, 0 as at, '' as id, 0 as first_ts, 9007199254740991 as last_ts where ?4 = '' and ?7 < 9007199254740991
      union all
      select session, at, id, first_ts, last_ts from (
        select session, at, id, first_ts, last_ts from links
        where company = +?1 and (session, at, id) >= (?4, ?5, ?6) and not ((session, at, id) = (?4, ?5, ?6) and ?7 = 9007199254740991)
        order by session, at, id)
    ) as l
    left join events as e indexed by events_timeline
      on e.company = +?1 and e.session = iif(l.last_ts >= ?2 * 1000 and l.first_ts < ?3 * 1000, l.session, null)
      and (e.ts, e.source, e.message_id) > (
        max(l.first_ts - 1, ?2 * 1000 - 1, iif((l.session, l.at, l.id) = (?4, ?5, ?6), ?7, 0)),
        iif((l.session, l.at, l.id) = (?4, ?5, ?6), ?8, 2), iif((l.session, l.at, l.id) = (?4, ?5, ?6), ?9, ''))
      and e.ts <= min(l.last_ts, ?3 * 1000 - 1)
    limit +?10
  ) as w
  left join events as e on e.company = +?1 and e.source = w.source and e.message_id = w.message_id
)
