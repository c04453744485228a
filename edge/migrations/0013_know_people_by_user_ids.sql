-- A person may be known by the company's own id for them too (kind user), with or without an address. The check on a column cannot be changed in place.
create table identities_kinds (
  company    text    not null,
  kind       text    not null check (kind in ('email', 'user')), -- of a lookup key with an @ in it, and of any other
  key        text    not null,
  profile    text    not null,
  created_at integer not null,
  origin     text,
  ended_at   integer,
  primary key (company, kind, key)
) strict, without rowid;
insert into identities_kinds (company, kind, key, profile, created_at, origin, ended_at)
select company, kind, key, profile, created_at, origin, ended_at from identities;
drop table identities;
alter table identities_kinds rename to identities;
