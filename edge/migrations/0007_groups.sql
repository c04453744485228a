-- Groups (companies, accounts, teams) and their members, as `group` events name them.

-- One row a group (domain/groups.rs).
create table groups (
  company        text    not null,
  id             text    not null, -- made from kind and key
  kind           text    not null, -- such as `company`
  key            text    not null, -- the company's own id of the group
  first_ts       integer not null, -- ts of its first event
  -- JSON object, name → [ts, message id, [value]]: claimed by browsers, the first claim stays.
  claimed_traits text    not null,
  trusted_traits text    not null, -- likewise, set by servers and admins, the last stays; null hides a claim
  name           text as (         -- the trait `name`
    case when json_type(trusted_traits, '$.name[2][0]') = 'text' then trusted_traits ->> '$.name[2][0]'
         when json_type(trusted_traits, '$.name') is null and json_type(claimed_traits, '$.name[2][0]') = 'text'
         then claimed_traits ->> '$.name[2][0]' end) virtual,
  of_pages       integer not null default 0, -- 1: only browsers have named it; they may make a limited number
  primary key (company, id)
) strict, without rowid;

-- Lists a company's groups: groups.list.sql.
create index groups_by_key on groups (company, kind, key);

-- The triggers keep `companies.groups_of_pages`, since counting them anew would read them all.
create trigger groups_made after insert on groups
when new.of_pages = 1
begin
  update companies set groups_of_pages = groups_of_pages + 1 where id = new.company;
end;

-- A server named a group that only browsers had named.
create trigger groups_vouched after update of of_pages on groups
when old.of_pages = 1 and new.of_pages = 0
begin
  update companies set groups_of_pages = groups_of_pages - 1 where id = new.company;
end;

-- A group is deleted.
create trigger groups_deleted after delete on groups
when old.of_pages = 1
begin
  update companies set groups_of_pages = groups_of_pages - 1 where id = old.company;
end;

-- At this place a session named a group. The links of the session say who the member is, as with
-- records. A session with memberships has has_records = 1 on its links.
create table memberships (
  company text    not null,
  session text    not null,
  group_id text    not null, -- id of the group
  ts      integer not null, -- of the event; 0 on a server session, which belongs to one person at all times
  primary key (company, session, group_id, ts)
) strict, without rowid;

-- The members of a group: memberships.list.sql, group.columns.sql.
create index memberships_by_group on memberships (company, group_id, session, ts);
