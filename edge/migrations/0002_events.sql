-- Events, and the catalog of their names.

-- One row an event, written once. A row has no owner: the links of its session say whose it is
-- (0004_identity.sql). Message ids are unique for each source, so a browser can never take the id
-- of a server's event.
create table events (
  company     text    not null,
  source      integer not null check (source in (0, 1)), -- the API it came through: 0 browser, 1 server
  message_id  text    not null, -- of the sender, or made from the content
  session     text    not null, -- '' for a server's event without a person, and for an event taken back
  ts          integer not null, -- when it happened: ms × 1000 + place in that ms (domain/clock.rs)
  type        text    not null, -- the event's name
  data        text    not null, -- JSON object
  context     text,             -- JSON object shared by the events of a request; null: none
  revenue     text,             -- JSON object of counters (domain/revenue.rs); null: counts no revenue
  request     integer not null, -- random number of the request that stored it; 0: see `identify_hash`
  original_at integer,          -- ms, by the sender's clock; null: not given
  sent_at     integer,          -- ms, when the sender sent it, by the sender's clock; null: not given
  received_at integer not null, -- ms, by our clock
  bot         integer,          -- 1: a browser's event whose sender looks like a bot; else null
  -- Of an identify: hash of its session and identity key (domain/ledger.rs). Null for other events.
  -- It stays when the rest of the row is emptied (taken back or erased), so that a repeat is known.
  -- An identify of an erased key is stored as such an empty row, with request 0.
  identify_hash integer,
  -- 1: a server sent it, though its source is 0 as the session is a browser's; else null
  sent_by_server integer,
  primary key (company, source, message_id)
) strict, without rowid;

-- Reads a session in the order of time: timelines (timeline.asc.sql), identifies, undo, erasure,
-- exports, statistics.
create index events_timeline on events (company, session, ts);

-- The event names that a company has sent. Each source has room for a limited number, so that names
-- made up by a browser cannot displace those of a server.
create table catalog (
  company text    not null,
  name    text    not null,
  seen    integer not null,           -- no longer counted, always 0
  last_at integer not null,           -- ms, by our clock; refreshed once an hour at most
  source  integer not null default 0, -- 0: only browsers sent it; 1: a server did
  primary key (company, name)
) strict, without rowid;
