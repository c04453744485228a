-- The outbox. A delivery is written in the same batch as its event; the queue only wakes it up.
create table subscriptions (
  company        text    not null,
  id             text    not null,
  name           text    not null,
  url            text    not null,
  events         text    not null, -- JSON array of patterns: a name, `prefix.*`, `*`
  description    text,
  secret         text    not null,
  active         integer not null default 1,
  retry_attempts integer not null,
  retry_delay_s  integer not null,
  timeout_ms     integer not null,
  created_at     integer not null,
  primary key (company, id)
) strict, without rowid;

create table deliveries (
  company      text    not null,
  id           text    not null,
  subscription text    not null,
  source       integer not null,
  message_id   text    not null,
  event        text    not null, -- the name the subscriber sees
  state        text    not null check (state in ('pending', 'leased', 'delivered', 'failed_permanent', 'exhausted')),
  attempts     integer not null default 0,
  generation   integer not null default 0, -- counts claims; a wake-up for an older one is a no-op
  due_at       integer not null,           -- ms; of a leased one, when the lease ends
  body         text,                       -- built once, at the first claim; these bytes are signed and sent
  created_at   integer not null,
  finished_at  integer,
  primary key (company, id)
) strict, without rowid;

create index deliveries_due on deliveries (due_at) where state in ('pending', 'leased');
create index deliveries_by_subscription on deliveries (company, subscription, created_at);

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
