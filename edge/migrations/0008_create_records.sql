-- What belongs to people: bookings, QR codes, conversations, messages and any other kind, as the events of a company's server tell it (domain/record.rs).
-- A record is given no profile. It lies at the place of the latest event that names anybody, and whose that is follows from the session's links.
create table records (
  company   text    not null,
  kind      text    not null,
  id        text    not null, -- the company's own
  session   text    not null, -- where it lies; '' while no event has named anybody
  placed_ts integer not null, -- ts of the event that says so; -1 for none
  placed_id text    not null, -- its message id
  first_ts  integer not null, -- of all its events
  last_ts   integer not null,
  scans     integer not null, -- `qr.scanned` events
  fields    text    not null, -- JSON object, name → [ts, message id, [value]] of the latest event that says it
  primary key (company, kind, id)
) strict, without rowid;

create index records_by_session on records (company, session, kind, placed_ts);

-- 1 on every link of a session on which records lie or lay: whoever has none pays for no look at them.
alter table links add column has_records integer not null default 0;
create index links_with_records on links (company, profile) where has_records = 1 and profile is not null;
