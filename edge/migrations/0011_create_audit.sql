-- What admins, and the operator, did to a company. Ids and names of actions only.
create table audit (
  company    text    not null,
  id         text    not null, -- aud_…, ascends with time
  at         integer not null, -- ms
  actor      text    not null check (actor in ('admin', 'operator')),
  key_id     text,             -- of an admin
  key_prefix text,
  action     text    not null,
  target     text,             -- the id of what it was done to
  request    text    not null,
  outcome    text    not null, -- ok or the problem's code
  primary key (company, id)
) strict, without rowid;

create index audit_by_age on audit (at);
