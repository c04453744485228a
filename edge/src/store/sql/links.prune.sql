-- Deletes the rows of anonymous sessions without events and records. Runs between links.forget and
-- events.forget.
delete from links
where company = +?1 and session in (select session from doomed) and at = 0 and id = '' and profile is null and events = 0 and has_records = 0
