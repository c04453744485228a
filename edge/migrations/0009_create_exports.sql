-- Every export of a company's data: who took what, how much of it, and the hash of its bytes. No data of the people in it.
create table exports (
  company     text    not null,
  id          text    not null, -- exp_…, ascends with time
  key_id      text    not null,
  key_prefix  text    not null,
  kind        text    not null check (kind in ('users', 'events', 'user')),
  format      text    not null check (format in ('csv', 'json', 'ndjson')),
  filters     text    not null, -- JSON object, name → value; of what may name a person only that it was asked
  fields      text,             -- JSON array; null for all
  snapshot    integer not null, -- ms
  after       text,             -- the row behind which it began
  state       text    not null check (state in ('running', 'complete', 'partial', 'aborted')),
  rows        integer not null default 0,
  bytes       integer not null default 0,
  sha256      text,             -- of the bytes handed over
  changed     integer,          -- users that changed after the snapshot
  last        text,             -- the last row handed over: where a next part begins
  marks       text    not null default '[]', -- JSON array of [rows, bytes, sha256, last row], from which a broken download goes on
  request     text    not null,
  started_at  integer not null, -- ms
  touched_at  integer not null, -- ms, its last sign of life
  ended_at    integer,          -- ms
  primary key (company, id)
) strict, without rowid;

create index exports_running on exports (company, touched_at) where state = 'running';
create index exports_by_age on exports (started_at);
