-- Those of these events that are stored: with source `server`, or from a browser with this
-- identify hash.
-- ?1 company, ?2 JSON array of message ids, ?3 identify hash or null
select e.message_id from json_each(?2) as j cross join events as e on e.company = +?1 and e.source = 1 and e.message_id = j.value
union all
select e.message_id from json_each(?2) as j cross join events as e on e.company = +?1 and e.source = 0 and e.message_id = j.value where e.identify_hash = +?3
