-- Cells: the databases of a deployment. All have the same schema, and a company is in one of them.
-- `places`, `key_places`, `cells` and `moves` are used in the first database (`DB`) only: they are
-- the directory. The other tables are used in every cell.

-- The cell of each company that is not in `DB`.
create table places (
  company  text    not null primary key,
  cell     text    not null, -- name of its binding
  moved_at integer not null  -- ms
) strict, without rowid;

-- The company of each key whose company is not in `DB`. The key itself is in the company's cell.
create table key_places (
  hash    text not null primary key, -- SHA-256 of the key, hex
  company text not null
) strict, without rowid;

-- The keys of a company, when it moves.
create index key_places_by_company on key_places (company);

-- The cells, as the sweep last saw them.
create table cells (
  cell          text    not null primary key, -- name of its binding: `DB`, `CELL_…`
  state         text    not null default 'open' check (state in ('open', 'full', 'closed')), -- full: takes no new companies; closed: no moves either
  jurisdiction  text,    -- where its data stay: `eu`, `us`, `fedramp`; null: anywhere
  region        text,    -- the location hint it was created with; null: unknown
  companies     integer not null default 0,
  bytes         integer not null default 0,
  schema        integer not null default 0, -- number of its last migration
  first_seen_at integer not null, -- ms
  seen_at       integer not null default 0, -- ms, when a sweep last ended there
  error         text,    -- why the last sweep failed; null: it did not
  gauges        text     -- JSON, what the last sweep measured (domain/metrics.rs); null: nothing
) strict, without rowid;

-- The moves of companies from one cell to another. At most one has not ended.
create table moves (
  id          text    not null primary key, -- 12 hex digits of began_at, then random ones
  company     text    not null,
  source      text    not null, -- cell
  target      text    not null, -- cell
  phase       text    not null check (phase in ('copying', 'frozen', 'switched', 'aborting', 'done', 'aborted')),
  place       text    not null default '{}', -- JSON, where the phase continues
  rows        integer not null default 0, -- copied so far
  began_at    integer not null, -- ms
  frozen_at   integer, -- ms
  switched_at integer, -- ms
  ended_at    integer, -- ms
  lease_until integer not null default 0, -- ms, until when one worker goes on with it
  error       text     -- why the last step failed; null: it did not
) strict, without rowid;

-- Only one move runs at a time.
create unique index moves_open on moves (ended_at is null) where ended_at is null;
-- The moves of a company, the latest last.
create index moves_by_company on moves (company, id);

-- Companies of which this cell has rows, or had some, and which are not here: they are still being
-- copied to it, they are being switched to another cell, or they are gone there.
create table away (
  company text    not null primary key,
  state   text    not null check (state in ('arriving', 'leaving', 'gone')),
  since   integer not null -- ms
) strict, without rowid;

-- Whether a company is being copied or switched.
create index away_moving on away (company) where state <> 'gone';

-- Never has a row. Every batch of a company inserts one if the company is not here, so the batch
-- fails as a whole (store/sql/fence.sql).
create table fence (
  company text constraint company_is_away check (company is null)
) strict;

-- The rows of a company that changed since its move began, in their order. While a company is
-- copied, triggers write them (store/moving.rs).
create table changes (
  seq  integer not null primary key,
  name text    not null, -- of the table
  key  text    not null  -- JSON array
) strict;
