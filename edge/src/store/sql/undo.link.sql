-- Deletes an undone link after its counts have moved.
-- ?1 company, ?2 session, ?3 message id, ?4 number, ?5 at
delete from links
where company = +?1 and session = +?2 and at = +?5 and id = +?3
  and exists (select 1 from events where company = +?1 and source = 0 and message_id = +?3 and request = +?4 and session = '')
