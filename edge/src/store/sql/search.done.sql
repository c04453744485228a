-- Marks people as done, unless their text changed since it was read.
-- ?1 company, ?2 JSON array of {id, text, words}
update profiles set searched = 1
where company = +?1 and id in (
  select p.id from json_each(?2) as w cross join profiles as p on p.company = +?1 and p.id = w.value ->> 'id'
  where p.searched = 0 and
