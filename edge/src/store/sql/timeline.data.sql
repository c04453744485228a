-- The data of some events. ?1 company, ?2 JSON array of [source, message id]
select e.source, e.message_id, e.data from json_each(?2) as j
cross join events as e on e.company = +?1 and e.source = j.value ->> 0 and e.message_id = j.value ->> 1
