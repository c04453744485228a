-- Webhook subscriptions, the outbox of deliveries, and their attempts.

-- One row a webhook.
create table subscriptions (
  company          text    not null,
  id               text    not null,
  name             text    not null,              -- given by the admin
  url              text    not null,              -- where deliveries go
  events           text    not null,              -- JSON array of patterns: a name, `prefix.*` or `*`
  description      text,
  headers          text    not null default '{}', -- JSON object, name → value; values are sealed if `sealed` is 1
  secret           text    not null,              -- signs deliveries; sealed if `sealed` is 1
  old_secret       text,                          -- the secret before; signs too until old_secret_until
  old_secret_until integer,                       -- ms
  active           integer not null default 1,    -- 0: switched off
  disabled_reason  text,                          -- why TrackMate switched it off; null: it did not
  -- What the sweep does with held deliveries; null once it is done.
  releasing        text check (releasing in ('deliver', 'dismiss')),
  preset           text,                          -- name of the retry policy (domain/delivery.rs); null: the next three
  retry_attempts   integer not null,              -- attempts of a delivery, at most
  retry_delay_s    integer not null,              -- first wait between attempts, s
  timeout_ms       integer not null,              -- of an attempt
  created_at       integer not null,              -- ms
  success          integer not null default 0,    -- number of deliveries delivered
  failed           integer not null default 0,    -- number of deliveries given up
  failures         integer not null default 0,    -- number of those given up in a row
  failing_since    integer,                       -- ms, the first of these; null: none
  last_status      integer,                       -- HTTP status of the latest attempt; null: no answer
  last_error       text,                          -- error of the latest attempt; null: none
  last_at          integer,                       -- ms, the latest attempt; null: none
  sealed           integer not null default 0,    -- 1: secrets and header values are sealed (domain/vault.rs)
  rate_limit       integer,                       -- deliveries a second; null: no limit
  rate_at          integer,                       -- ms; until then the share of this second is used up
  trouble          integer not null default 0,    -- failed attempts in a row (domain/circuit.rs)
  open_until       integer,                       -- ms; not null while the circuit is open: the next probe is then
  probe            text,                          -- the delivery that tests an open circuit
  disable_failures integer not null default 20,   -- given up in a row that switch it off; 0: never
  disable_ms       integer not null default 86400000, -- … once it has failed for this long, ms
  released_at      integer,                       -- ms; `dismiss` ends only deliveries created before
  settle_marker    integer,                       -- random number of the batch of results that last wrote this row
  -- The transition that this batch caused; null: none.
  transition       text check (transition in ('failing', 'recovered', 'disabled')),
  primary key (company, id)
) strict, without rowid;

-- Old secrets to delete, for the sweep: subscription.expire.sql.
create index subscriptions_rotated on subscriptions (old_secret_until) where old_secret_until is not null;

-- Webhooks whose held deliveries the sweep releases: subscription.releasing.sql.
create index subscriptions_releasing on subscriptions (company, id) where releasing is not null;

-- Webhooks whose secrets are not sealed yet, for the sweep: subscription.plain.sql.
create index subscriptions_plain on subscriptions (company, id) where sealed = 0;

-- Webhooks with an open circuit or a rate limit, for the sweep: subscription.free_slots.sql.
create index subscriptions_paced on subscriptions (company, id) where open_until is not null or rate_limit is not null;

-- The outbox: one row a delivery, written in the batch that stores its event. The queue only wakes
-- it up.
create table deliveries (
  company      text    not null,
  subscription text    not null,
  -- 12 hex digits of created_at, then 20 random ones: the primary key is also the order of time.
  id           text    not null check (substr(id, 1, 12) = format('%012x', created_at)),
  source       integer not null,           -- of its event, with message_id
  message_id   text    not null,
  event        text    not null,           -- the event name that the subscriber sees
  state        text    not null check (
    state in ('pending', 'leased', 'held', 'delivered', 'failed_permanent', 'exhausted', 'dismissed')),
  attempts     integer not null default 0, -- number of attempts ever made
  tries        integer not null default 0, -- attempts since it was last started; the retry policy counts these
  generation   integer not null default 0, -- number of leases; a result must name the lease it belongs to
  due_at       integer not null,           -- ms, next attempt; of a leased one, the end of the lease
  created_at   integer not null,           -- ms
  finished_at  integer,                    -- ms; null: not finished
  profile      text,                       -- owner of the event when the delivery was written; null: nobody
  settle_marker integer,                    -- random number of the batch of results that last ended an attempt
  interrupted  integer not null default 0, -- leases that ran out since it was last started
  -- The latest attempt, whose number is `attempts`. The columns are those of the table attempts, and
  -- null before the first.
  attempt_at            integer,
  attempt_status_code   integer,
  attempt_success       integer,
  attempt_duration_ms   integer,
  attempt_url           text,
  attempt_error         text,
  attempt_response_body text,
  body         text,                       -- built at the first lease: these bytes are signed and sent
  primary key (company, subscription, id)
) strict, without rowid;

-- A webhook's held deliveries, oldest first: delivery.lease_held.sql, delivery.release.sql,
-- subscription.list.sql.
create index deliveries_held on deliveries (company, subscription, id) where state = 'held';

-- Open deliveries. The sweep serves each company and webhook in turn, so this is by webhook:
-- delivery.due.sql.
create index deliveries_due on deliveries (company, subscription, due_at, id) where state in ('pending', 'leased');

-- The log of attempts, without the latest of each delivery, which is in the delivery's row. So a
-- delivery that succeeds at once has no row here.
create table attempts (
  company       text    not null,
  delivery      text    not null,
  attempt       integer not null, -- number of the attempt: 1, 2, …
  at            integer not null, -- ms, when it began
  url           text    not null, -- where it went
  status_code   integer,          -- HTTP status; null: no answer
  success       integer not null, -- 1: delivered
  error         text,             -- why it failed; null: it did not
  response_body text,             -- first bytes of the answer
  duration_ms   integer not null,
  primary key (company, delivery, attempt)
) strict, without rowid;
