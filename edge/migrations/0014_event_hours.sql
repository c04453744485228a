-- The events of past hours, counted for statistics (domain/stats/hours.rs), so that they need not be
-- read again. Whatever changes the events of an hour deletes its row, in the same transaction.
create table event_hours (
  company text    not null,
  hour    integer not null, -- hours since 1970
  number  integer not null, -- random number of the count that writes `counts`
  counts  text,             -- JSON {browser, server, names: {name: count}}; null: they are being counted
  primary key (company, hour)
) strict, without rowid;

-- A late event. An event of this hour finds no row, so it does not look for one.
create trigger event_hours_event_added after insert on events
when new.ts < unixepoch() / 3600 * 3600000000
begin
  delete from event_hours where company = new.company and hour = new.ts / 3600000000;
end;

-- An event is erased, or its retention ends.
create trigger event_hours_event_deleted after delete on events
when old.ts < unixepoch() / 3600 * 3600000000
begin
  delete from event_hours where company = old.company and hour = old.ts / 3600000000;
end;

-- An identify is undone.
create trigger event_hours_event_changed after update of session, type on events
when old.ts < unixepoch() / 3600 * 3600000000
begin
  delete from event_hours where company = old.company and hour = old.ts / 3600000000;
end;
