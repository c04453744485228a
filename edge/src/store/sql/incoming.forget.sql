-- Deletes the log entries of doomed events.
delete from incoming where (company, ring, place) in (
  select i.company, i.ring, i.place
  from doomed as d cross join incoming as i indexed by incoming_by_message on i.company = +?1 and i.message_id = d.message_id and iif(i.sent_by_server = 1, 0, i.source) = d.source)
