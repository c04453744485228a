-- One link's events after the cursor, oldest first. ?1 company, ?2 session, ?3 from ts, ?4 to ts (excluded), ?5 ?6 ?7 cursor (ts, source, id), ?8 limit
select message_id, source, session, ts, type, data, bot from events
where company = ?1 and session = ?2 and ts >= ?3 and ts < ?4 and (ts, source, message_id) > (?5, ?6, ?7)
order by ts, source, message_id limit ?8
