-- Marks a session's links as having records or memberships. All links of a session have the same
-- mark, so one is read.
-- ?1 company, ?2 session
update links set has_records = 1
where company = +?1 and session = +?2
  and (select has_records from links where company = +?1 and session = +?2 limit 1) = 0
  and (exists (select 1 from records where company = +?1 and session = +?2) or exists (select 1 from memberships where company = +?1 and session = +?2))
