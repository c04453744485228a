-- The place where a new link of a session cuts another one (domain/ledger.rs): the link before it
-- or, if the new link is the session's first, the one after it. The later link owns the events
-- after the cut.
-- ?1 company, ?2 session, ?3 at, ?4 message id
with donor as materialized (
  select * from (
    select at, id, events, server_events, revenue, 1 as is_before from links
    where company = +?1 and session = +?2 and (at, id) < (?3, ?4) order by at desc, id desc limit 1)
  union all
  select * from (
    select at, id, events, server_events, revenue, 0 from links
    where company = +?1 and session = +?2 and (at, id) > (?3, ?4) order by at, id limit 1)
  limit 1
),
sides as materialized (
  select *, max(at, ?3) as cut,
         coalesce((select min(e.at) from links as e where e.company = +?1 and e.session = +?2 and (e.at, e.id) > (donor.at, donor.id)), 9007199254740991) as until
  from donor
)
