-- Those of these events that a request stored.
-- ?1 company, ?2 source, ?3 JSON array of message ids, ?4 marker
select e.message_id from json_each(?3) as j cross join events as e
  on e.company = +?1 and e.source = +?2 and e.message_id = j.value and e.request = +?4
