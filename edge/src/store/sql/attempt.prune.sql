-- Deletes the attempts of the deliveries that delivery.prune, which follows in the batch, deletes.
-- Parameters: those of delivery.prune
delete from attempts
where company = +?1 and delivery in (
  select id from (
    select id, finished_at, attempts from deliveries
    where company = +?1 and subscription = +?2 and id < format('%012x', ?3 - (select log_days from companies where id = +?1) * 86400000)
    order by id limit +?4)
  where attempts > 1 and finished_at < ?3 - (select log_days from companies where id = +?1) * 86400000
  union all
  select id from (
    select id, finished_at, attempts from deliveries
    where company = +?1 and subscription = +?2 and id < format('%012x', ?3 - (select log_days from companies where id = +?1) * 86400000)
    order by id desc limit +?4)
  where attempts > 1 and finished_at < ?3 - (select log_days from companies where id = +?1) * 86400000)
