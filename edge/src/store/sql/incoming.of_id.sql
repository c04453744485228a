-- The last rejected one with a message id. ?1 company, ?2 message id, ?3 bytes of data that are
-- shown, ?4 source or null
with page as materialized (
  select * from incoming indexed by incoming_by_message
  where company = ?1 and message_id = ?2 and outcome = 'rejected' and (?4 is null or source = ?4) order by seq desc limit 1
)
