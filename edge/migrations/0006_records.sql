-- Records: bookings, QR codes, conversations, messages and other things that belong to people.

-- One row a record, made from events of the company's server (domain/record.rs). A row has no
-- owner: it lies at the place of its latest event with a person, and the links of that session say
-- whose it is.
create table records (
  company   text    not null,
  kind      text    not null,
  id        text    not null, -- the company's own
  session   text    not null, -- where it lies; '': no event has named a person
  placed_ts integer not null, -- ts of the event that placed it; -1: none
  placed_id text    not null, -- its message id
  first_ts  integer not null, -- ts of its first event
  last_ts   integer not null, -- ts of its last event
  scans     integer not null, -- number of `qr.scanned` events
  fields    text    not null, -- JSON object, name → [ts, message id, [value]] of the latest event with that field
  primary key (company, kind, id)
) strict, without rowid;

-- The records of a session: records.list.sql, profile.columns.sql, links.release.sql.
create index records_by_session on records (company, session, kind, placed_ts);
