-- The position of an event in the order of exports.
-- ?1 company, ?2 source, ?3 message id
select session, ts, source from events
where company = +?1 and source in (0, 1) and message_id = +?3 and (source = +?2 or sent_by_server = +?2) order by source desc limit 1
