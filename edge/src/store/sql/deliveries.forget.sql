-- Deletes the deliveries of events that go, whatever their state.
delete from deliveries where company = ?1 and id in (select id from sent)
