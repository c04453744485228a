-- A page of a company's events in the order of sessions, each with its owner by the ledger
-- (domain/ledger.rs). A browser's event without a session is an undone identify. The statement
-- reads ?11 events, even if a filter leaves fewer. One more row, with `looked`, has the number of
-- events read and the place of the last. Each row is one JSON array (store::exports::Event), because
-- to pass a column from D1 to the Worker takes longer than to read it.
-- ?1 company, ?2 received until ms, ?3 from ts, ?4 before ts, ?5 type, ?6 ?7 ?8 ?9 after this
-- session, ts, source and message id, ?10 limit, ?11 rows read; ?3 to ?5 are null for no filter
with looked as materialized (
  select session, ts, source, message_id from events indexed by events_timeline
  where company = +?1 and (session, ts, source, message_id) > (?6, ?7, ?8, ?9)
  order by session, ts, source, message_id limit +?11)
select * from (
  select json_array(e.message_id, e.type, e.ts, e.source, e.session, e.received_at, e.bot, e.sent_by_server, e.data, e.context,
         coalesce(
           (select json_object('profile', profile) from links
            where company = e.company and session = e.session and at <= e.ts order by at desc, id desc limit 1),
           (select json_object('profile', profile) from links where company = e.company and session = e.session order by at, id limit 1)
         ) ->> 'profile') as event
  from looked as l cross join events as e on e.company = +?1 and e.source = l.source and e.message_id = l.message_id
  where not (e.source = 0 and e.session = '') and e.received_at <= ?2 and (?3 is null or e.ts >= ?3) and (?4 is null or e.ts < ?4) and (?5 is null or e.type = +?5)
  order by l.session, l.ts, l.source, l.message_id limit +?10
)
union all
select * from (
  select json_array(message_id, '', ts, source, session, 0, null, null, '', null, null, (select count(*) from looked))
  from looked order by session desc, ts desc, source desc, message_id desc limit 1
)
