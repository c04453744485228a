-- Where an event stands in the order of exports. ?1 company, ?2 source, ?3 message id
select session, ts from events where company = ?1 and source = ?2 and message_id = ?3
