-- What admins and the operator did.

-- One row a request that changed something or read people's data. It holds ids and names of actions
-- only.
create table audit (
  company    text    not null,
  id         text    not null, -- `aud_…`; ascends with time
  at         integer not null, -- ms
  actor      text    not null check (actor in ('admin', 'operator')),
  key_id     text,             -- the admin's API key; null: the operator
  key_prefix text,
  action     text    not null, -- name of the action
  target     text,             -- id of the thing it was done to; null: the company
  request    text    not null, -- request id
  outcome    text    not null, -- `ok` or the problem code
  primary key (company, id)
) strict, without rowid;

-- Old rows to delete, for the sweep: audit.prune.sql.
create index audit_by_age on audit (at);
