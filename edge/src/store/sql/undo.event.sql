-- Removes an identify from its timeline. Its row stays empty, so that a repeat of the request is
-- recognised. The later statements of the batch check ?4. Does nothing if the link moved to another
-- person after it was read, or the person was erased.
-- ?1 company, ?2 session, ?3 message id, ?4 number, ?5 at, ?6 profile
update events set session = '', type = 'identify.undone', data = '{}', context = null, request = +?4
where company = +?1 and source = 0 and message_id = +?3 and session = +?2
  and exists (select 1 from links where company = +?1 and session = +?2 and at = +?5 and id = +?3 and profile = +?6)
  and exists (select 1 from profiles where company = +?1 and id = +?6 and erased_at is null)
returning message_id
