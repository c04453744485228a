-- Groups: companies, accounts, teams, whatever people are members of, as `group` events tell of them (domain/groups.rs).
create table groups (
  company  text    not null,
  id       text    not null, -- follows from kind and key
  kind     text    not null,
  key      text    not null, -- the company's own id of it
  first_ts integer not null, -- of all its events
  claimed  text    not null, -- JSON object, name → [ts, message id, [value]]: what public keys claimed first
  said     text    not null, -- likewise, what secret keys said last; a null hides a claim
  name     text as (
    case when json_type(said, '$.name[2][0]') = 'text' then said ->> '$.name[2][0]'
         when json_type(said, '$.name') is null and json_type(claimed, '$.name[2][0]') = 'text' then claimed ->> '$.name[2][0]' end) virtual,
  primary key (company, id)
) strict, without rowid;

create index groups_by_key on groups (company, kind, key);

-- At this place a group was named. Whose membership that is follows from the session's links (domain/ledger.rs), as with records; a session on which any
-- lie has has_records = 1 on its links.
create table memberships (
  company text    not null,
  session text    not null,
  grp     text    not null,
  ts      integer not null, -- of the event; 0 on a server session, which is one person's from the start of time to its end
  primary key (company, session, grp, ts)
) strict, without rowid;

create index memberships_by_group on memberships (company, grp, session, ts);
