-- A page of a company's events in the order of sessions, each with its owner by the ledger (domain/ledger.rs). A page's event without a session is an identify
-- that was taken back. ?1 company, ?2 received until ms, ?3 from ts, ?4 before ts,
-- ?5 type, ?6 ?7 ?8 ?9 after this session, ts, source and message id, ?10 limit; null for not asked
select e.message_id, e.type, e.ts, e.source, e.session, e.received_at, e.bot, e.data, e.context,
       coalesce(
         (select json_object('profile', profile) from links
          where company = e.company and session = e.session and at <= e.ts order by at desc, id desc limit 1),
         (select json_object('profile', profile) from links where company = e.company and session = e.session order by at, id limit 1)
       ) ->> 'profile' as profile
from events as e indexed by events_timeline
where e.company = ?1 and (e.session, e.ts, e.source, e.message_id) > (?6, ?7, ?8, ?9)
  and not (e.source = 0 and e.session = '') and e.received_at <= ?2 and (?3 is null or e.ts >= ?3) and (?4 is null or e.ts < ?4) and (?5 is null or e.type = ?5)
order by e.session, e.ts, e.source, e.message_id limit ?10
