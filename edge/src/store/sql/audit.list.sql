-- A page of the log, newest first. ?1 company, ?2 before this id, ?3 from this id, ?4 action or
-- null, ?5 limit
select id, at, actor, key_id, key_prefix, action, target, request, outcome from audit
where company = +?1 and id < ?2 and id >= ?3 and (?4 is null or action = +?4)
order by id desc limit +?5
