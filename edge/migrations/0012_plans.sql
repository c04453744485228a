-- Tracking plans: the events that a company means to send, and where the sent ones differ.

-- One row a company that has a plan.
create table plans (
  company    text    not null primary key,
  mode       text    not null check (mode in ('off', 'report', 'reject')), -- what happens to an event that violates it
  plan       text    not null, -- JSON object (domain/plan.rs)
  version    integer not null, -- random number of this plan and mode; copied to `companies.plan` and `keys.plan`
  updated_at integer not null  -- ms
) strict, without rowid;

-- Counts of violations. It holds names of events, fields and reasons, and no values.
create table violations (
  company  text    not null,
  event    text    not null,
  field    text    not null,
  reason   text    not null,
  seen     integer not null, -- how often
  first_at integer not null, -- ms, by our clock
  last_at  integer not null, -- ms, by our clock
  primary key (company, event, field, reason)
) strict, without rowid;
