-- Stops a restore: no batch has this number.
update progress set place = json_set(place, '$.next', -1) where job = 'restore'
