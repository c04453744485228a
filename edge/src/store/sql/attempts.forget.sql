-- Deletes the attempts at deliveries of events that go.
delete from attempts where company = ?1 and delivery in (select id from sent)
