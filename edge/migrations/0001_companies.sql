-- Companies (the tenants) and their API keys.

-- One row a company. All other tables belong to a company through their column `company`.
create table companies (
  id               text    not null primary key, -- `TM-` and letters or digits; public
  name             text    not null,             -- shown in the dashboard and to the operator
  allowed_origins  text,                         -- JSON array of web origins; null allows every origin
  revenue_events   text    not null,             -- JSON array of the event types that count as revenue
  webhooks_enabled integer not null default 1,   -- 1: deliveries go out; 0: all are held
  created_at       integer not null,             -- ms
  log_days         integer not null default 30,  -- days a finished delivery and its attempts are kept
  -- Whether identifies of browsers need proof (`userHash`): 0 off, 1 optional, 2 required.
  verification     integer not null default 0 check (verification in (0, 1, 2)),
  identity_secret  text,                         -- the key of that proof, sealed (domain/vault.rs); null: none
  event_days       integer,                      -- days an event is kept after it arrived; null: for ever
  watched_until    integer not null default 0,   -- ms; until then stored events are logged in `incoming` too
  plan             integer not null default 0,   -- `plans.version` of the plan in force; 0: none
  groups_of_pages  integer not null default 0    -- number of groups that only browsers have named
) strict, without rowid;

-- API keys. The key itself is stored nowhere.
create table keys (
  hash         text    not null primary key,                         -- SHA-256 of the key, hex
  company      text    not null references companies (id),
  id           text    not null,                                     -- public name of the key
  scope        text    not null check (scope in ('server', 'admin')),
  prefix       text    not null,                                     -- first characters of the key, for people
  name         text    not null,                                     -- given by the admin
  created_at   integer not null,                                     -- ms
  last_used_at integer,                                              -- ms; null: never used
  revoked_at   integer,                                              -- ms; null: valid
  -- Copy of `companies.plan`: a server's request reads its key and not its company.
  plan         integer not null default 0
) strict, without rowid;

-- Lists and finds a company's keys by id: key.list.sql, key.live.sql, key.revoke.sql.
create index keys_by_company on keys (company, id);
