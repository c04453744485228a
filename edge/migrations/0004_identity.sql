-- Identity: the keys by which people are found, the ledger of links, merges, and rebuilds.

-- An identity key (an email address, or the company's own user id) leads to one profile. The
-- primary key makes concurrent identifies of one key find one profile.
create table identities (
  company    text    not null,
  kind       text    not null check (kind in ('email', 'user')), -- `email`: the key has an @; `user`: any other
  key        text    not null, -- normalised
  profile    text    not null, -- the profile it leads to
  created_at integer not null, -- ms
  origin     text,             -- the merged profile it belongs to; null: `profile` itself
  ended_at   integer,          -- ms, when the person gave it up; it leads to them until somebody else takes it
  -- The user id that public answers show for this key. Null: the id of the profile, as the key was
  -- its first.
  public_id  text,
  primary key (company, kind, key)
) strict, without rowid;

-- Finds a profile by an id that a public answer showed: profile.find.sql, server.resolve.sql.
create unique index identities_public on identities (company, public_id) where public_id is not null;

-- A link is a fact: at this instant this session was identified as this person. It owns the
-- session's events from `at` to the next link; the first also owns those before it. Each row counts
-- the events it owns. Before any identify a session has one anonymous row (at 0, id '', no
-- profile). A server session has one such row, with its profile.
create table links (
  company       text    not null,
  session       text    not null,
  at            integer not null,           -- ts of the identify; 0: see above
  id            text    not null,           -- message id of the identify; '': see above
  profile       text,                       -- the person; null: anonymous
  events        integer not null default 0, -- number of events it owns
  server_events integer not null default 0, -- number of those that a server sent
  revenue       text,                       -- JSON object of counters (domain/revenue.rs); null: none
  first_ts      integer,                    -- ts of the first event it owns; null: none
  last_ts       integer,                    -- ts of the last event it owns; null: none
  origin        text,                       -- the merged profile it belongs to; null: `profile` itself
  -- 1 on all links of a session with records or memberships: others need not look for any.
  has_records   integer not null default 0,
  -- Number of identifies of the session. Only the last link (by at and id) has the valid number.
  identifies    integer not null default 1,
  sent_by_server integer,                   -- 1: a server's identify made it; else null
  primary key (company, session, at, id)
) strict, without rowid;

-- A person's links by their last event: timelines (timeline.asc.sql), rebuild, erasure, exports,
-- active people.
create index links_by_profile on links (company, profile, last_ts) where profile is not null;

-- A person's sessions with records or memberships: profile.columns.sql, records.list.sql,
-- groups.of.sql.
create index links_with_records on links (company, profile) where has_records = 1 and profile is not null;

-- How many of a person's sessions only servers identified: profile.find.sql.
create index links_sent_by_server on links (company, profile) where sent_by_server = 1;

-- The triggers carry changed counts of a link to its profile where the owner stays the same.
-- Statements that change the owner (identify.*.sql and others) write the profile in the same batch.

-- A row that arrives with a profile: a server session.
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

-- Counts that change without revenue. Separate from the next, as SQLite plans the arithmetic of
-- revenue on each run.
create trigger links_count after update of events on links
when new.profile is not null and new.profile is old.profile and new.revenue is old.revenue
begin
  update profiles
  set events = events + new.events - old.events,
      server_events = server_events + new.server_events - old.server_events,
      last_ts = (select max(last_ts) from links where company = new.company and profile = new.profile),
      max_link_span = case when new.id = '' then max_link_span
        else max(max_link_span, coalesce(new.last_ts - new.first_ts, 0)) end
  where company = new.company and id = new.profile;
end;

-- Counts that change with revenue.
create trigger links_count_revenue after update of revenue on links
when new.profile is not null and new.profile is old.profile and new.revenue is not old.revenue
begin
  update profiles
  set events = events + new.events - old.events,
      server_events = server_events + new.server_events - old.server_events,
      last_ts = (select max(last_ts) from links where company = new.company and profile = new.profile),
      max_link_span = case when new.id = '' then max_link_span
        else max(max_link_span, coalesce(new.last_ts - new.first_ts, 0)) end,
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

-- A merge that stands: `loser` counts for `winner`, which was not merged itself at that time.
-- Taking it back deletes the row.
create table merges (
  company text    not null,
  loser   text    not null, -- a profile
  winner  text    not null, -- a profile
  at      integer not null, -- ms
  source  text    not null check (source in ('admin', 'server')), -- who asked for it
  primary key (company, loser)
) strict, without rowid;

-- The tree of profiles merged into one: merge.group.sql.
create index merges_by_winner on merges (company, winner);

-- Pairs of profiles that an admin separated. No server's request merges them again.
create table merge_blocks (
  company text    not null,
  one     text    not null, -- the lesser of the two profile ids
  other   text    not null,
  at      integer not null, -- ms
  primary key (company, one, other)
) strict, without rowid;

-- People whose profile is computed again from their links, slice by slice, after a link was taken
-- or given. A row exists while that lasts.
create table rebuilds (
  company    text    not null,
  profile    text    not null,
  began_at   integer not null, -- ms; identifies that arrive later write `profiles.later_claims`
  touched_at integer not null, -- ms, the last slice
  step       integer not null, -- number of slices done; each slice names the number it read
  -- The link after which the next slice begins, in the order of links_by_profile. Links without
  -- events come first.
  last_ts    integer not null,
  session    text    not null,
  at         integer not null,
  id         text    not null,
  found      text    not null, -- JSON object (domain/rebuild.rs): the result so far
  vanish     integer not null, -- 1: delete the profile if nothing is left of it
  waits_for  text,             -- the profile to rebuild first, as it may give links to this one; null: none
  notice     text    not null, -- message id of the platform event about the change; it stays if the profile is deleted
  primary key (company, profile)
) strict, without rowid;

-- The rebuild that waited longest, for the sweep: rebuild.oldest.sql.
create index rebuilds_by_age on rebuilds (touched_at);
