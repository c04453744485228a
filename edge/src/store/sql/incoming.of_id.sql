-- The latest rejected item with a message id.
-- ?1 company, ?2 message id, ?3 most bytes of data, ?4 source or null
with page as materialized (
  select * from incoming indexed by incoming_by_message
  where company = +?1 and message_id = +?2 and outcome = 'rejected' and (?4 is null or source = +?4) order by seq desc limit 1
)
