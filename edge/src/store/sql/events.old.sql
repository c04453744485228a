-- The next slice of events of the first company after a place that keeps them for a time only: which of them came in before that, and where the slice ends
-- (null when it was the company's last). ?1 company, ?2 ?3 source (2 when it is through) and message id of the place, ?4 now ms, ?5 events. Identifies
-- stay: they are who was known where, and what a person is worked out from anew when one of them is taken back.
with company as materialized (
  select id, ?4 - event_days * 86400000 as since from companies
  where event_days is not null and id >= ?1 and not (id = ?1 and ?2 > 1) order by id limit 1
),
slice as materialized (
  select e.source, e.message_id, e.received_at < (select since from company)
    and not (e.source = 0 and exists (
      select 1 from links as l where l.company = e.company and l.session = e.session and l.at = e.ts and l.id = e.message_id)) as old
  from events as e
  where e.company = (select id from company) and (e.source, e.message_id) > (select iif(id = ?1, ?2, -1), iif(id = ?1, ?3, '') from company)
  order by e.source, e.message_id limit ?5
)
select c.id as company,
       (select json_group_array(json_object('s', source, 'i', message_id)) from slice where old) as ids,
       case when (select count(*) from slice) = ?5
            then (select json_array(source, message_id) from slice order by source desc, message_id desc limit 1) end as place
from company as c
