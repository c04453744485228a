-- Where a new link of a session cuts what another owns (domain/ledger.rs): the link before it or,
-- if it is the session's new first, the one after. What lies behind the cut is the later link's. ?1
-- company, ?2 session, ?3 at, ?4 message id
with donor as materialized (
  select * from (
    select at, id, events, server_events, revenue, 1 as is_before from links
    where company = ?1 and session = ?2 and (at, id) < (?3, ?4) order by at desc, id desc limit 1)
  union all
  select * from (
    select at, id, events, server_events, revenue, 0 from links
    where company = ?1 and session = ?2 and (at, id) > (?3, ?4) order by at, id limit 1)
  limit 1
),
sides as materialized (
  select *, max(at, ?3) as cut,
         coalesce((select min(e.at) from links as e where e.company = ?1 and e.session = ?2 and (e.at, e.id) > (donor.at, donor.id)), 9007199254740991) as until
  from donor
)
