-- Deletes the deliveries of doomed events in all states.
delete from deliveries where company = +?1 and (subscription, id) in (select subscription, id from sent)
