-- A stored event with the link that owns it. If a browser and a server sent the same id, the
-- server's event comes first. An event of an erased person is not returned, even before it is
-- deleted.
-- ?1 company, ?2 message id, ?3 source or null
select * from (
  select e.source, e.message_id, e.session, e.ts, e.type, e.data, e.context, e.original_at, e.sent_at, e.received_at, e.sent_by_server,
         iif(e.session = '', null, coalesce(
           (select json_array(profile, at, id) from links where company = +?1 and session = e.session and at <= e.ts order by at desc, id desc limit 1),
           (select json_array(profile, at, id) from links where company = +?1 and session = e.session order by at, id limit 1))) as link,
         (select count(*) from incoming indexed by incoming_by_message
          where company = +?1 and message_id = +?2 and source = max(e.source, coalesce(e.sent_by_server, 0)) and sent_by_server is e.sent_by_server and outcome = 'duplicate') as duplicates
  from events as e
  where e.company = +?1 and e.source in (0, 1) and e.message_id = +?2 and (?3 is null or max(e.source, coalesce(e.sent_by_server, 0)) = +?3)
  order by e.source desc limit 1
) as w
where not exists (select 1 from profiles where company = +?1 and id = w.link ->> 0 and erased_at is not null)
