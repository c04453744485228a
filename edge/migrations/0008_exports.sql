-- Exports of a company's data.

-- One row an export: who took what, how much, and the hash of the bytes. It holds no data of
-- people.
create table exports (
  company    text    not null,
  id         text    not null,             -- `exp_…`; ascends with time
  key_id     text    not null,             -- the API key that asked
  key_prefix text    not null,
  kind       text    not null check (kind in ('users', 'events', 'user')),
  format     text    not null check (format in ('csv', 'json', 'ndjson')),
  filters    text    not null,             -- JSON object, name → value; not of a value that may name a person
  fields     text,                         -- JSON array; null: all
  snapshot   integer not null,             -- ms; the export shows what was there at that time
  after      text,                         -- the row after which it began; null: the first
  state      text    not null check (state in ('running', 'complete', 'partial', 'aborted')),
  rows       integer not null default 0,   -- number of rows sent
  bytes      integer not null default 0,   -- number of bytes sent
  sha256     text,                         -- of the bytes sent, hex
  changed    integer,                      -- number of users that changed after the snapshot
  last       text,                         -- the last row sent: the next part begins after it
  -- JSON array of [rows, bytes, sha256, last row]: where a broken download can resume.
  marks      text    not null default '[]',
  request    text    not null,             -- request id
  started_at integer not null,             -- ms
  touched_at integer not null,             -- ms, last sign of life
  ended_at   integer,                      -- ms; null: running
  primary key (company, id)
) strict, without rowid;

-- Running exports, of which a company may have a few, and which the sweep ends when they are dead:
-- export.insert.sql, export.abandon.sql.
create index exports_running on exports (company, touched_at) where state = 'running';

-- Old exports to delete, for the sweep: export.prune.sql.
create index exports_by_age on exports (started_at);
