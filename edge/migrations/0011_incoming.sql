-- What happened to each item that arrived: the log behind Live in the dashboard.

-- All rejected items, and stored and duplicate ones while somebody watches
-- (`companies.watched_until`). A company has three rings, each of which keeps its newest rows, so
-- that a flood of one kind does not push out the others.
create table incoming (
  company     text    not null,
  ring        integer not null check (ring in (0, 1, 2)), -- 0 stored or duplicate; rejected: 1 browser, 2 server
  place       integer not null, -- number in the ring, ascending
  seq         integer not null, -- number in the company, ascending, never used twice: ms × 1000, or the last plus one
  at          integer not null, -- ms, when it arrived
  source      integer not null check (source in (0, 1)), -- the API it came through: 0 browser, 1 server
  outcome     text    not null check (outcome in ('stored', 'duplicate', 'rejected')),
  message_id  text,             -- of the event; a row that is not rejected has the columns below from there
  type        text,             -- of a rejected item: its event name, as far as it was readable
  code        text,             -- of a rejected item: the problem code
  message     text,             -- … its message
  field       text,             -- … the field it is about
  data        text,             -- of a rejected item: JSON with the shape of the data, without values
  session     text,             -- of a rejected item
  happened_at integer,          -- ms, of a rejected item
  sent_by_server integer,       -- 1: a server sent it for a browser's session (`events.sent_by_server`); else null
  primary key (company, ring, place)
) strict, without rowid;

-- Reads a company's log in order: incoming.before.sql, incoming.after.sql.
create unique index incoming_by_seq on incoming (company, seq);

-- Finds the row of an event: event.find.sql, incoming.of_id.sql, incoming.forget.sql.
create index incoming_by_message on incoming (company, message_id) where message_id is not null;

-- Old rows to delete, for the sweep: incoming.prune.sql.
create index incoming_by_age on incoming (at);
