-- Profiles, the addresses that lead to them, and the ledger of links that says whose a session was from which instant on.
create table profiles (
  company        text    not null,
  id             text    not null,
  email          text,             -- as first typed
  name           text,
  traits         text    not null, -- JSON object; what a public key said first stays
  server_session text    not null, -- webhook_…, gathers the person's server events
  created_at     integer not null, -- ms, when what made the profile happened
  registered_at  integer,          -- ts of the earliest identify
  registered_id  text,             -- its message id
  last_ts        integer,          -- ts of the latest event
  longest        integer not null default 0, -- no link of a browser session lasts longer, from its first event to its last
  events         integer not null default 0,
  server_events  integer not null default 0,
  sessions       integer not null default 0, -- browser sessions
  revenue        text,
  erased_at      integer,
  primary key (company, id)
) strict, without rowid;

create table identities (
  company    text    not null,
  kind       text    not null check (kind in ('email')),
  key        text    not null,
  profile    text    not null,
  created_at integer not null,
  primary key (company, kind, key)
) strict, without rowid;

-- A link is a fact: at this instant this session was identified as this person. It owns the session's events from `at` to the
-- next link; the first also owns what came before it. Each carries the counts of what it owns.
-- Before any fact a session has one anonymous row (at 0, id '', no profile); a server session has one such row, with its profile.
create table links (
  company       text    not null,
  session       text    not null,
  at            integer not null,
  id            text    not null, -- message id of the identify
  profile       text,
  events        integer not null default 0,
  server_events integer not null default 0,
  revenue       text,
  first_ts      integer,
  last_ts       integer,
  primary key (company, session, at, id)
) strict, without rowid;

create index links_by_profile on links (company, profile, last_ts) where profile is not null;

-- A profile's counts are the sums of its links' counts. Where ownership stays and only counts move, the database keeps that itself;
-- statements that move ownership (store/sql/identify.*.sql) write the profile in the same batch.
create trigger links_count after update of events on links
when new.profile is not null and new.profile is old.profile
begin
  update profiles
  set events = events + new.events - old.events,
      server_events = server_events + new.server_events - old.server_events,
      last_ts = (select max(last_ts) from links where company = new.company and profile = new.profile),
      longest = case when new.id = '' then longest else max(longest, new.last_ts - new.first_ts) end,
      revenue = case when new.revenue is old.revenue then revenue else (
        select json_group_object(key, sum) from (
          select key, max(min(sum(value), 1000000000000000000), -1000000000000000000) as sum from (
            select key, value from json_each(profiles.revenue)
            union all select key, value from json_each(new.revenue)
            union all select key, -value from json_each(old.revenue)
          ) group by key having sum(value) <> 0
        )
      ) end
  where company = new.company and id = new.profile;
end;

create trigger links_open after insert on links
when new.profile is not null and new.id = ''
begin
  update profiles
  set events = events + new.events,
      server_events = server_events + new.server_events,
      last_ts = max(coalesce(last_ts, new.last_ts), new.last_ts),
      revenue = case when new.revenue is null then revenue else (
        select json_group_object(key, sum) from (
          select key, max(min(sum(value), 1000000000000000000), -1000000000000000000) as sum from (
            select key, value from json_each(profiles.revenue)
            union all select key, value from json_each(new.revenue)
          ) group by key having sum(value) <> 0
        )
      ) end
  where company = new.company and id = new.profile;
end;
