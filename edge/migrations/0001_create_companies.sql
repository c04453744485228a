-- Tenants and their keys. A key is stored as its SHA-256 only; `prefix` is what a person may see of it.
create table companies (
  id              text    not null primary key, -- TM-…
  name            text    not null,
  allowed_origins text,                         -- JSON array of origins; null allows every origin
  revenue_events  text    not null,             -- JSON array: the event types whose amount is revenue
  webhooks_enabled integer not null default 1,  -- 0 holds every delivery
  created_at      integer not null              -- ms
) strict, without rowid;

create table keys (
  hash         text    not null primary key, -- SHA-256 of the key, hex
  company      text    not null references companies (id),
  id           text    not null,
  scope        text    not null check (scope in ('server', 'admin')),
  prefix       text    not null,
  name         text    not null,
  created_at   integer not null,
  last_used_at integer,
  revoked_at   integer
) strict, without rowid;

create index keys_by_company on keys (company, id);
