-- Deletes finished deliveries of one subscription that are older than the company's log: of the
-- oldest and of the newest of its old deliveries.
-- ?1 company, ?2 subscription, ?3 now ms, ?4 deliveries read from either end
delete from deliveries
where company = +?1 and subscription = +?2 and id in (
  select id from (
    select id, finished_at from deliveries
    where company = +?1 and subscription = +?2 and id < format('%012x', ?3 - (select log_days from companies where id = +?1) * 86400000)
    order by id limit +?4)
  where finished_at < ?3 - (select log_days from companies where id = +?1) * 86400000
  union all
  select id from (
    select id, finished_at from deliveries
    where company = +?1 and subscription = +?2 and id < format('%012x', ?3 - (select log_days from companies where id = +?1) * 86400000)
    order by id desc limit +?4)
  where finished_at < ?3 - (select log_days from companies where id = +?1) * 86400000)
