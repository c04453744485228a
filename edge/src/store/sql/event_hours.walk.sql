-- A slice of a company's events in some hours, in the order of sessions. Returns the events as [ms,
-- source, name], and the place of the next slice if there may be one: the values of ?4 to ?7 as one
-- text, of which the greatest is the last. A session is searched from the first to the last event
-- of its links, and only if it may have such events. So an identify or an undo, which moves events
-- between links of a session, changes nothing. Server events without a person have no link, so ''
-- stands for their session and comes first. The order is that of the indexes: sorting would read
-- each row again. The text is read as a blob, in which SQLite finds a place without counting
-- characters.
-- ?1 company, ?2 the first hour, ?3 a text of 1 (to be counted) and 0 for each hour from it on, ?4
-- ?5 ?6 ?7 after the event of this session, ts, source and message id, ?8 limit
select json_group_array(json_array(ts / 1000, max(source, coalesce(sent_by_server, 0)), type)) filter (where type is not null and (source = 1 or session <> '')) as found,
       iif(count(*) < ?8, null, max(session || char(1) || printf('%020d', ts) || char(1) || source || char(1) || message_id)) as next
from (
  select w.session, w.ts, w.source, w.message_id, e.type, e.sent_by_server
  from (
    select s.session, coalesce(e.ts, 9007199254740991) as ts, coalesce(e.source, 1) as source, coalesce(e.message_id, '') as message_id
    from (
      select session, high, iif(low > high or not place, null, max(low, (low / 3600000000 + place - 1) * 3600000000)) as low
      from (
        select session, low, high,
               iif(low > high, 0, instr(substr(cast(?3 as blob), low / 3600000000 - cast(?2 as integer) + 1, high / 3600000000 - low / 3600000000 + 1), x'31')) as place
        from (
          select '' as session, cast(?2 as integer) * 3600000000 as low, (cast(?2 as integer) + length(?3)) * 3600000000 - 1 as high
          where ?4 = '' and ?5 < 9007199254740991
          union all
          select session, max(min(first_ts), cast(?2 as integer) * 3600000000), min(max(last_ts), (cast(?2 as integer) + length(?3)) * 3600000000 - 1)
          from links where company = +?1 and session >= ?4 and not (session = +?4 and ?5 >= 9007199254740991)
          group by session
        )
      )
    ) as s
    left join events as e indexed by events_timeline
      on e.company = +?1 and e.session = iif(s.low is null, null, s.session)
      and (e.ts, e.source, e.message_id) > (
        max(s.low - 1, iif(s.session = +?4, ?5, 0)),
        iif(s.session = +?4 and ?5 >= s.low, ?6, 2), iif(s.session = +?4, ?7, ''))
      and e.ts <= s.high
    limit +?8
  ) as w
  left join events as e on e.company = +?1 and e.source = w.source
    and e.message_id = iif(substr(cast(?3 as blob), w.ts / 3600000000 - cast(?2 as integer) + 1, 1) = x'31', w.message_id, null)
)
