-- Deletes the doomed events.
delete from events where company = +?1 and (source, message_id) in (select source, message_id from doomed)
