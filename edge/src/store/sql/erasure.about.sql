-- The next slice of events without a session: those about an erased person, and where the slice
-- ends (null if it was the last).
-- ?1 company, ?2 profile, ?3 events read
with asked as materialized (select place ->> 0 as ts, place ->> 1 as source, place ->> 2 as id, notice from erasures where company = +?1 and profile = +?2),
slice as materialized (
  select e.ts, e.source, e.message_id, e.source = 1 and e.message_id <> (select notice from asked) and coalesce(
    (select merged_into from profiles where company = +?1 and id = e.data ->> '$.user.id'), e.data ->> '$.user.id') = +?2 as about
  from events as e
  where e.company = +?1 and e.session = '' and (e.ts, e.source, e.message_id) > (select ts, source, id from asked)
  order by e.ts, e.source, e.message_id limit +?3
)
select (select json_group_array(json_object('s', source, 'i', message_id)) from slice where about) as ids,
       case when (select count(*) from slice) = +?3
            then (select json_array(ts, source, message_id) from slice order by ts desc, source desc, message_id desc limit 1) end as place
