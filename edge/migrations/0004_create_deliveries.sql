-- The outbox. A delivery is written in the same batch as its event; the queue only wakes it up.
create table subscriptions (
  company        text    not null,
  id             text    not null,
  name           text    not null,
  url            text    not null,
  events         text    not null, -- JSON array of patterns: a name, `prefix.*`, `*`
  description    text,
  headers        text    not null default '{}', -- JSON object, name → value
  secret         text    not null,
  old_secret     text,                          -- signs too until old_secret_until, ms
  old_secret_until integer,
  active         integer not null default 1,
  disabled_reason text,                         -- why TrackMate itself switched it off
  releasing      text check (releasing in ('deliver', 'dismiss')), -- what becomes of what was held; set until the sweep is through
  preset         text,
  retry_attempts integer not null,
  retry_delay_s  integer not null,
  timeout_ms     integer not null,
  created_at     integer not null,
  success        integer not null default 0,    -- deliveries made
  failed         integer not null default 0,    -- deliveries given up
  failures       integer not null default 0,    -- given up in a row
  failing_since  integer,                       -- ms, of the first of those
  last_status    integer,                       -- of the latest attempt
  last_error     text,
  last_at        integer,                       -- ms
  primary key (company, id)
) strict, without rowid;

create index subscriptions_rotated on subscriptions (old_secret_until) where old_secret_until is not null;
create index subscriptions_releasing on subscriptions (company, id) where releasing is not null;

create table deliveries (
  company      text    not null,
  id           text    not null,
  subscription text    not null,
  source       integer not null,
  message_id   text    not null,
  event        text    not null, -- the name the subscriber sees
  state        text    not null check (state in ('pending', 'leased', 'held', 'delivered', 'failed_permanent', 'exhausted', 'dismissed')),
  attempts     integer not null default 0, -- ever made
  tries        integer not null default 0, -- made since it was last set going; the policy counts these
  generation   integer not null default 0, -- counts claims; a claim names the one it saw
  due_at       integer not null,           -- ms; of a leased one, when the lease ends
  body         text,                       -- built once, at the first claim; these bytes are signed and sent
  created_at   integer not null,
  finished_at  integer,
  primary key (company, id)
) strict, without rowid;

create index deliveries_due on deliveries (due_at) where state in ('pending', 'leased');
create index deliveries_held on deliveries (company, subscription) where state = 'held';
create index deliveries_by_subscription on deliveries (company, subscription, created_at, id);

create table attempts (
  company       text    not null,
  delivery      text    not null,
  attempt       integer not null,
  at            integer not null, -- ms
  url           text    not null,
  status_code   integer,
  success       integer not null,
  error         text,
  response_body text,
  duration_ms   integer not null,
  primary key (company, delivery, attempt)
) strict, without rowid;
