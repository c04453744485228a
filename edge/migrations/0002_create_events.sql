-- One row an event, never rewritten: whose it is follows from the links of its session.
-- A message id is unique per company and door (browser, server), so that what a public key sends can never take a server event's place.
create table events (
  company     text    not null,
  source      integer not null check (source in (0, 1)), -- 0 browser, 1 server
  message_id  text    not null,
  session     text    not null, -- '' for a server event without a person
  ts          integer not null, -- when it happened: ms × 1000 + place within that ms (see domain/clock.rs)
  type        text    not null,
  data        text    not null, -- JSON object
  context     text,             -- JSON object shared by a batch
  revenue     text,             -- JSON object of counters, if the type counts as revenue (see domain/revenue.rs)
  request     integer not null, -- random, the request that stored it
  original_at integer,          -- ms, the sender's own time
  sent_at     integer,          -- ms, the sender's time at sending
  received_at integer not null, -- ms
  primary key (company, source, message_id)
) strict, without rowid;

create index events_timeline on events (company, session, ts);
