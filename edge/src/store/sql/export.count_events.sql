-- The number of events that export.events returns, counted in a slice in the order of ids. Returns
-- the place of the next slice if there may be one; `last` sorts like the places.
-- ?1 company, ?2 received until ms, ?3 from ts, ?4 before ts, ?5 type; each null for no filter; ?6
-- ?7 after this source and message id, ?8 limit
select n, iif(looked < ?8, null, json_array(cast(substr(last, 1, 1) as integer), substr(last, 2))) as next
from (
  select count(*) as looked, max(source || message_id) as last, count(*) filter (
    where not (source = 0 and session = '') and received_at <= ?2 and (?3 is null or ts >= ?3) and (?4 is null or ts < ?4) and (?5 is null or type = +?5)) as n
  from (
    select source, message_id, session, received_at, ts, type from events
    where company = +?1 and (source, message_id) > (?6, ?7) order by source, message_id limit +?8
  )
)
