-- Which of these events of the server door are stored. ?1 company, ?2 JSON array of message ids
select e.message_id from json_each(?2) as j cross join events as e on e.company = ?1 and e.source = 1 and e.message_id = j.value
