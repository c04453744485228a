-- Deletes what ended before a company's logs begin, for one subscription. ?1 company, ?2 subscription, ?3 now ms, ?4 limit
delete from deliveries
where company = ?1 and id in (
  select id from deliveries
  where company = ?1 and subscription = ?2 and created_at < ?3 - (select log_days from companies where id = ?1) * 86400000
    and finished_at < ?3 - (select log_days from companies where id = ?1) * 86400000
  order by created_at limit ?4)
returning id
