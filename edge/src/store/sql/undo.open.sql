-- Makes a session anonymous whose only link is undone. Its counts stay, and so do its records.
-- ?1 company, ?2 session, ?3 message id, ?4 number, ?5 at
update links
set at = 0, id = '', profile = null, origin = null, sent_by_server = null, events = events - 1,
    first_ts = (select min(ts) from events where company = +?1 and session = +?2),
    last_ts = (select max(ts) from events where company = +?1 and session = +?2)
where company = +?1 and session = +?2 and at = +?5 and id = +?3 and (events > 1 or has_records = 1)
  and not exists (select 1 from links as o where o.company = +?1 and o.session = +?2 and not (o.at = +?5 and o.id = +?3))
  and exists (select 1 from events where company = +?1 and source = 0 and message_id = +?3 and request = +?4 and session = '')
