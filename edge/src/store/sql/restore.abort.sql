-- Stops a restore: no batch has this number, and its end goes no further.
-- ?1 how far its end is, ?2 what says that it is given up
update progress set place = json_set(place, '$.next', -1, '$.end', ?2)
where job = 'restore' and coalesce(place ->> 'end', '') = +?1
