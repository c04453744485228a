-- Erasing people for good: what was asked, how far it is, and the tombstones that keep an erased address from coming back; and how long events are kept.
alter table companies add column event_days integer; -- events are kept so long after they came in; null for ever

-- One row a person. `counts` is the receipt: kinds and numbers, never data.
create table erasures (
  company      text    not null,
  profile      text    not null,
  erased_at    integer not null, -- ms, from when on nobody sees anything of the person
  completed_at integer,          -- ms, when the last row was gone
  notice       text    not null, -- message id of its `user.deleted`
  place        text    not null, -- JSON array [ts, source, message id]: how far the search for platform events is
  counts       text    not null, -- JSON object
  primary key (company, profile)
) strict, without rowid;

create index erasures_open on erasures (company, profile) where completed_at is null;

-- What an erased person was known by, hashed (domain/tombstone.rs).
create table tombstones (
  company    text    not null,
  hash       text    not null,
  profile    text    not null, -- whose it was; that profile holds nothing any more
  created_at integer not null, -- ms
  primary key (company, hash)
) strict, without rowid;

-- Words of deleted rows leave the search index with them, not when its segments happen to be merged; what was deleted before goes now.
insert into search (search, rank) values ('secure-delete', 1);
insert into search (search) values ('rebuild');

-- As before, but a link may be left without events.
drop trigger links_count;
drop trigger links_count_revenue;

create trigger links_count after update of events on links
when new.profile is not null and new.profile is old.profile and new.revenue is old.revenue
begin
  update profiles
  set events = events + new.events - old.events,
      server_events = server_events + new.server_events - old.server_events,
      last_ts = (select max(last_ts) from links where company = new.company and profile = new.profile),
      longest = case when new.id = '' then longest else max(longest, coalesce(new.last_ts - new.first_ts, 0)) end
  where company = new.company and id = new.profile;
end;

create trigger links_count_revenue after update of revenue on links
when new.profile is not null and new.profile is old.profile and new.revenue is not old.revenue
begin
  update profiles
  set events = events + new.events - old.events,
      server_events = server_events + new.server_events - old.server_events,
      last_ts = (select max(last_ts) from links where company = new.company and profile = new.profile),
      longest = case when new.id = '' then longest else max(longest, coalesce(new.last_ts - new.first_ts, 0)) end,
      revenue = (
        select json_group_object(key, sum) from (
          select key, max(min(sum(value), 1000000000000000000), -1000000000000000000) as sum from (
            select key, value from json_each(profiles.revenue)
            union all select key, value from json_each(new.revenue)
            union all select key, -value from json_each(old.revenue)
          ) group by key having sum(value) <> 0
        )
      )
  where company = new.company and id = new.profile;
end;
