-- Marks the links of a session as having records or memberships. It is the session of a request's
-- new events. All links of a session have the same mark, so one is read.
-- ?1 company, ?2 source, ?3 JSON array of message ids, all of one session, ?4 marker
with new as materialized (
  select e.session from json_each(?3) as j cross join events as e
    on e.company = +?1 and e.source = +?2 and e.message_id = j.value and e.request = +?4
  limit 1
)
update links set has_records = 1
where company = +?1 and session = (select session from new)
  and (select has_records from links where company = +?1 and session = (select session from new) limit 1) = 0
  and (exists (select 1 from records where company = +?1 and session = (select session from new))
    or exists (select 1 from memberships where company = +?1 and session = (select session from new)))
