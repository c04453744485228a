-- The next slice of old events of the next company that deletes its events after some days. It has
-- the old ones, and where the slice ends (null if it was the company's last). It begins where the
-- company's last slice ended, and companies take turns. Identifies stay, because a rebuild needs
-- them when one of them is undone.
-- ?1 the company served last, ?2 now ms, ?3 events read
with company as materialized (
  select c.id, ?2 - c.event_days * 86400000 as since, coalesce(p.place, '[-1,""]') as place
  from companies as c left join progress as p on p.job = 'prune events of ' || c.id
  where c.event_days is not null order by c.id <= ?1, c.id limit 1
),
slice as materialized (
  select e.source, e.message_id, e.received_at < (select since from company)
    and not (e.source = 0 and exists (
      select 1 from links as l where l.company = e.company and l.session = e.session and l.at = e.ts and l.id = e.message_id)) as old
  from events as e
  where e.company = (select id from company) and (e.source, e.message_id) > (select place ->> 0, place ->> 1 from company)
  order by e.source, e.message_id limit +?3
)
select c.id as company,
       (select json_group_array(json_object('s', source, 'i', message_id)) from slice where old) as ids,
       case when (select count(*) from slice) = +?3
            then (select json_array(source, message_id) from slice order by source desc, message_id desc limit 1) end as place
from company as c
