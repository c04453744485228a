-- Notes on a session's links that records or memberships lie on it. They all say the same, so one
-- tells. ?1 company, ?2 session
update links set has_records = 1
where company = ?1 and session = ?2
  and (select has_records from links where company = ?1 and session = ?2 limit 1) = 0
  and (exists (select 1 from records where company = ?1 and session = ?2) or exists (select 1 from memberships where company = ?1 and session = ?2))
