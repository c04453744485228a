-- Deletes the attempts of the deliveries of doomed events.
delete from attempts where company = +?1 and delivery in (select id from sent where attempts > 1)
