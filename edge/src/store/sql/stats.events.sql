-- A slice of a company's links in the order of sessions, and of their events in the hours of a
-- range that are to be counted. A link stores its first and its last event, so it is searched only
-- if it may have such events. The session of a link with events of browsers only counts without a
-- search, if one of the two is in the range; otherwise all its events of the range are searched.
-- Returns the events as [ms, source, name], the number of browser sessions that were not counted
-- before, the last of them, and the place of the next slice if there may be one: the values of ?5
-- to ?8 as one text, of which the greatest is the last. A place names no link, as an identify or an
-- undo between two slices moves events between the links of a session. Links of a session follow
-- each other in time, so those that end before the place are finished. One without events in the
-- range ends a slice at its last event. Server events without a person have no link, so '' stands
-- for their session and comes first. The order is that of the indexes: sorting would read each row
-- again.
-- ?1 company, ?2 from ms, ?3 to ms, ?4 the hours of the range as a text of 1 (to be counted) and 0,
-- ?5 ?6 ?7 ?8 after this session, ts, source and message id, ?9 limit, ?10 the last counted session
select json_group_array(json_array(ts / 1000, max(source, coalesce(sent_by_server, 0)), type)) filter (where type is not null and (source = 1 or session <> '')) as events,
       count(distinct page) as sessions, max(page) as session,
       iif(count(*) < ?9, null, max(session || char(1) || printf('%020d', ts) || char(1) || source || char(1) || message_id)) as next
from (
  select w.session, coalesce(w.ts, w.last) as ts, coalesce(w.source, 2) as source, coalesce(w.message_id, '') as message_id, e.type, e.sent_by_server,
         iif((w.counts or w.source = 0) and w.session > ?10, w.session, null) as page
  from (
    select l.session, l.last, l.counts, e.ts, e.source, e.message_id
    from (
      select session, last, high, counts,
             iif(low > high or not (place or pages), null, iif(pages, low, max(low, (low / 3600000000 + place - 1) * 3600000000))) as low
      from (
        select session, last, low, high, low <= high and server_events = 0 and ends as counts,
               server_events < events and not (server_events = 0 and ends) as pages,
               iif(low > high, 0, instr(substr(cast(?4 as blob), low / 3600000000 - cast(?2 as integer) / 3600000 + 1, high / 3600000000 - low / 3600000000 + 1), x'31')) as place
        from (
          select '' as session, 9007199254740991 as last, cast(?2 as integer) * 1000 as low, cast(?3 as integer) * 1000 - 1 as high, 1 as events, 1 as server_events, 0 as ends
          where ?5 = '' and ?6 < 9007199254740991
          union all
          select session, coalesce(last_ts, 0), max(first_ts, cast(?2 as integer) * 1000), min(last_ts, cast(?3 as integer) * 1000 - 1), events, server_events, first_ts >= ?2 * 1000 or last_ts < ?3 * 1000
          from (
            select session, first_ts, last_ts, events, server_events from links
            where company = +?1 and session >= ?5 and (session > ?5 or last_ts > ?6 or last_ts = +?6 and ?7 < 2)
            order by session, at, id)
        )
      )
    ) as l
    left join events as e indexed by events_timeline
      on e.company = +?1 and e.session = iif(l.low is null, null, l.session)
      and (e.ts, e.source, e.message_id) > (
        max(l.low - 1, iif(l.session = +?5, ?6, 0)),
        iif(l.session = +?5 and ?6 >= l.low, ?7, 2), iif(l.session = +?5, ?8, ''))
      and e.ts <= l.high
    limit +?9
  ) as w
  left join events as e on e.company = +?1 and e.source = w.source
    and e.message_id = iif(substr(cast(?4 as blob), w.ts / 3600000000 - cast(?2 as integer) / 3600000 + 1, 1) = x'31', w.message_id, null)
)
