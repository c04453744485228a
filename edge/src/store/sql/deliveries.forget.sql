-- Deletes the deliveries of doomed events in all states.
delete from deliveries where company = +?1 and id in (select id from sent)
