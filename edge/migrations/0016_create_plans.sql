-- Tracking plans: which events a company has and of what form, and how those that came violated it.
create table plans (
  company    text    not null primary key,
  mode       text    not null check (mode in ('off', 'report', 'reject')),
  plan       text    not null, -- JSON object, see domain/plan.rs
  version    integer not null, -- random, of this plan and mode
  updated_at integer not null  -- ms
) strict, without rowid;

-- The version of the plan that events are held against, 0 for none: an isolate knows by it whether the plan that it keeps is the one in force.
-- Keys have it too, for a server's request looks up its key and no company.
alter table companies add column plan integer not null default 0;
alter table keys add column plan integer not null default 0;

-- Names of events, fields and reasons, and no value of any.
create table violations (
  company  text    not null,
  event    text    not null,
  field    text    not null,
  reason   text    not null,
  seen     integer not null,
  first_at integer not null, -- ms, by our clock
  last_at  integer not null,
  primary key (company, event, field, reason)
) strict, without rowid;
