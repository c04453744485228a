-- Notes how far the end of a restore is, if nobody else has gone on.
-- ?1 how far it was, ?2 how far it is, ?3 now ms
update progress
set place = json_set(place, '$.end', ?2, '$.activeAt', cast(?3 as integer))
where job = 'restore' and coalesce(place ->> 'end', '') = +?1
