-- Two profiles that an admin took apart: no server's word makes them one again.
create table partings (
  company text    not null,
  one     text    not null, -- the lesser of the two ids
  other   text    not null,
  at      integer not null, -- ms
  primary key (company, one, other)
) strict, without rowid;
