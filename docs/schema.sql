-- The schema of D1, made from edge/migrations by `make schema`. Do not edit it.

-- One row a company. All other tables belong to a company through their column `company`.
create table companies (
  id               text    not null primary key, -- `TM-` and letters or digits; public
  name             text    not null,             -- shown in the dashboard and to the operator
  allowed_origins  text,                         -- JSON array of web origins; null allows every origin
  revenue_events   text    not null,             -- JSON array of the event types that count as revenue
  webhooks_enabled integer not null default 1,   -- 1: deliveries go out; 0: all are held
  created_at       integer not null,             -- ms
  log_days         integer not null default 30,  -- days a finished delivery and its attempts are kept
  -- Whether identifies of browsers need proof (`userHash`): 0 off, 1 optional, 2 required.
  verification     integer not null default 0 check (verification in (0, 1, 2)),
  identity_secret  text,                         -- the key of that proof, sealed (domain/vault.rs); null: none
  event_days       integer,                      -- days an event is kept after it arrived; null: for ever
  watched_until    integer not null default 0,   -- ms; until then stored events are logged in `incoming` too
  plan             integer not null default 0,   -- `plans.version` of the plan in force; 0: none
  groups_of_pages  integer not null default 0    -- number of groups that only browsers have named
, answers_salt text) strict, without rowid;

-- API keys. The key itself is stored nowhere.
create table keys (
  hash         text    not null primary key,                         -- SHA-256 of the key, hex
  company      text    not null references companies (id),
  id           text    not null,                                     -- public name of the key
  scope        text    not null check (scope in ('server', 'admin')),
  prefix       text    not null,                                     -- first characters of the key, for people
  name         text    not null,                                     -- given by the admin
  created_at   integer not null,                                     -- ms
  last_used_at integer,                                              -- ms; null: never used
  revoked_at   integer,                                              -- ms; null: valid
  -- Copy of `companies.plan`: a server's request reads its key and not its company.
  plan         integer not null default 0
) strict, without rowid;

-- Lists and finds a company's keys by id: key.list.sql, key.live.sql, key.revoke.sql.
create index keys_by_company on keys (company, id);

-- One row an event, written once. A row has no owner: the links of its session say whose it is
-- (0004_identity.sql). Message ids are unique for each source, so a browser can never take the id
-- of a server's event.
create table events (
  company     text    not null,
  source      integer not null check (source in (0, 1)), -- the API it came through: 0 browser, 1 server
  message_id  text    not null, -- of the sender, or made from the content
  session     text    not null, -- '' for a server's event without a person, and for an event taken back
  ts          integer not null, -- when it happened: ms × 1000 + place in that ms (domain/clock.rs)
  type        text    not null, -- the event's name
  data        text    not null, -- JSON object
  context     text,             -- JSON object shared by the events of a request; null: none
  revenue     text,             -- JSON object of counters (domain/revenue.rs); null: counts no revenue
  request     integer not null, -- random number of the request that stored it; 0: see `identify_hash`
  original_at integer,          -- ms, by the sender's clock; null: not given
  sent_at     integer,          -- ms, when the sender sent it, by the sender's clock; null: not given
  received_at integer not null, -- ms, by our clock
  bot         integer,          -- 1: a browser's event whose sender looks like a bot; else null
  -- Of an identify: hash of its session and identity key (domain/ledger.rs). Null for other events.
  -- It stays when the rest of the row is emptied (taken back or erased), so that a repeat is known.
  -- An identify of an erased key is stored as such an empty row, with request 0.
  identify_hash integer,
  -- 1: a server sent it, though its source is 0 as the session is a browser's; else null
  sent_by_server integer,
  primary key (company, source, message_id)
) strict, without rowid;

-- Reads a session in the order of time: timelines (timeline.asc.sql), identifies, undo, erasure,
-- exports, statistics.
create index events_timeline on events (company, session, ts);

-- The event names that a company has sent. Each source has room for a limited number, so that names
-- made up by a browser cannot displace those of a server.
create table catalog (
  company text    not null,
  name    text    not null,
  seen    integer not null,           -- no longer counted, always 0
  last_at integer not null,           -- ms, by our clock; refreshed once an hour at most
  source  integer not null default 0, -- 0: only browsers sent it; 1: a server did
  primary key (company, name)
) strict, without rowid;

-- One row a person, or an alias of one (`merged_into`). Counts are the sums over the person's
-- links.
create table profiles (
  company        text    not null,
  id             text    not null,           -- random; the user id of the API
  email          text,                       -- as first typed; null: known by a user id only
  name           text,                       -- as first claimed
  traits         text    not null,           -- JSON object claimed by browsers; the first claim stays
  server_session text    not null,           -- `webhook_…`: the session of the person's server events
  created_at     integer not null,           -- ms, when the event that made the profile happened
  registered_at  integer,                    -- ts of the identify that arrived first; null: none
  registered_id  text,                       -- its message id
  last_ts        integer,                    -- ts of the latest event; null: none
  -- No link of a browser session spans more, from its first event to its last; a difference of ts.
  max_link_span  integer not null default 0,
  events         integer not null default 0, -- number of events of all sources
  server_events  integer not null default 0, -- number of those that a server sent
  sessions       integer not null default 0, -- number of browser sessions
  revenue        text,                       -- JSON object of counters (domain/revenue.rs); null: none
  erased_at      integer,                    -- ms; the row stays, without content, so that its id stays taken
  -- JSON object of traits set by servers and admins; they hide claimed ones, a null hides without
  -- replacing.
  trusted_traits text    not null default '{}',
  opt_ins        text    not null default '{}', -- JSON object, platform → boolean; set by servers and admins only
  consent        integer,                    -- to being exported: 1 yes, 0 no, null never asked
  consent_at     integer,                    -- ms
  consent_source text,                       -- where the person answered
  trusted_at     integer,                    -- ms, last change by a server or an admin; null: none
  updated_at     integer not null default 0, -- ms; version of the user object, grows with each change of it
  revision       integer not null default 0, -- random number of the last edit; the next edit must name it
  searched       integer not null default 0, -- 1: `search_docs` is up to date
  -- Names to sort by. Virtual, so that an identify writes nothing for them. `lower` is SQLite's
  -- (ASCII).
  first_name     text as (
    case when json_type(json_patch(traits, trusted_traits), '$.firstName') = 'text'
         then lower(json_patch(traits, trusted_traits) ->> 'firstName') else '' end) virtual,
  last_name      text as (
    case when json_type(json_patch(traits, trusted_traits), '$.lastName') = 'text'
         then lower(json_patch(traits, trusted_traits) ->> 'lastName') else '' end) virtual,
  created_by_identify text,                  -- message id of the identify that made it; null: none did
  merged_into    text,                       -- the profile that stands for this one, in one step; null: itself
  trusted_data   text,                       -- JSON (domain/trusted_data.rs): what servers set of this one while it is merged
  aliases        text    not null default '[]', -- JSON array of its identity keys other than `email`
  -- JSON {name, traits, first: [ts, message id]}: claimed while it is rebuilt; null: it is not.
  later_claims   text,
  primary key (company, id)
) strict, without rowid;

-- The profiles merged into a person: timeline.asc.sql, profile.columns.sql, erasure and rebuild.
create index profiles_merged on profiles (company, merged_into) where merged_into is not null;

-- Tags, set by servers and admins.
create table tags (
  company    text    not null,
  profile    text    not null,
  name       text    not null,
  applied_at integer not null, -- ms, when it was first applied
  primary key (company, profile, name)
) strict, without rowid;

-- Filters lists of people by a tag: users.filter.sql.
create index tags_by_name on tags (company, name, profile);

-- Custom fields, set by servers and admins.
create table fields (
  company text not null,
  profile text not null,
  name    text not null,
  value   text not null,
  primary key (company, profile, name)
) strict, without rowid;

-- Filters lists of people by the value of a field: users.filter.sql.
create index fields_by_value on fields (company, name, value, profile);

-- The words of each person: lower case, without accents, one space between them. They are written
-- when somebody searches (search.write.sql), so that an identify does not pay for an index that may
-- never be used.
create table search_docs (
  company text not null,
  profile text not null,
  text    text not null, -- names and addresses
  primary key (company, profile)
) strict, without rowid;

-- The index of these words. A search reads the words that begin with a prefix: users.filter.sql.
create table search_words (
  company text not null,
  word    text not null,
  profile text not null,
  primary key (company, word, profile)
) strict, without rowid;

-- Indexes new words.
create trigger search_docs_added after insert on search_docs begin
  insert into search_words (company, word, profile)
  select distinct new.company, value, new.profile from json_each('["' || replace(new.text, ' ', '","') || '"]');
end;

-- Replaces the words of a changed row.
create trigger search_docs_changed after update of text on search_docs begin
  delete from search_words
  where company = old.company and profile = old.profile
    and word in (select value from json_each('["' || replace(old.text, ' ', '","') || '"]'));
  insert into search_words (company, word, profile)
  select distinct new.company, value, new.profile from json_each('["' || replace(new.text, ' ', '","') || '"]');
end;

-- Removes the words of a deleted row.
create trigger search_docs_gone after delete on search_docs begin
  delete from search_words
  where company = old.company and profile = old.profile
    and word in (select value from json_each('["' || replace(old.text, ' ', '","') || '"]'));
end;

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

-- One row a webhook.
create table subscriptions (
  company          text    not null,
  id               text    not null,
  name             text    not null,              -- given by the admin
  url              text    not null,              -- where deliveries go
  events           text    not null,              -- JSON array of patterns: a name, `prefix.*` or `*`
  description      text,
  headers          text    not null default '{}', -- JSON object, name → value; values are sealed if `sealed` is 1
  secret           text    not null,              -- signs deliveries; sealed if `sealed` is 1
  old_secret       text,                          -- the secret before; signs too until old_secret_until
  old_secret_until integer,                       -- ms
  active           integer not null default 1,    -- 0: switched off
  disabled_reason  text,                          -- why TrackMate switched it off; null: it did not
  -- What the sweep does with held deliveries; null once it is done.
  releasing        text check (releasing in ('deliver', 'dismiss')),
  preset           text,                          -- name of the retry policy (domain/delivery.rs); null: the next three
  retry_attempts   integer not null,              -- attempts of a delivery, at most
  retry_delay_s    integer not null,              -- first wait between attempts, s
  timeout_ms       integer not null,              -- of an attempt
  created_at       integer not null,              -- ms
  success          integer not null default 0,    -- number of deliveries delivered
  failed           integer not null default 0,    -- number of deliveries given up
  failures         integer not null default 0,    -- number of those given up in a row
  failing_since    integer,                       -- ms, the first of these; null: none
  last_status      integer,                       -- HTTP status of the latest attempt; null: no answer
  last_error       text,                          -- error of the latest attempt; null: none
  last_at          integer,                       -- ms, the latest attempt; null: none
  sealed           integer not null default 0,    -- 1: secrets and header values are sealed (domain/vault.rs)
  rate_limit       integer,                       -- deliveries a second; null: no limit
  rate_at          integer,                       -- ms; until then the share of this second is used up
  trouble          integer not null default 0,    -- failed attempts in a row (domain/circuit.rs)
  open_until       integer,                       -- ms; not null while the circuit is open: the next probe is then
  probe            text,                          -- the delivery that tests an open circuit
  disable_failures integer not null default 20,   -- given up in a row that switch it off; 0: never
  disable_ms       integer not null default 86400000, -- … once it has failed for this long, ms
  released_at      integer,                       -- ms; `dismiss` ends only deliveries created before
  settle_marker    integer,                       -- random number of the batch of results that last wrote this row
  -- The transition that this batch caused; null: none.
  transition       text check (transition in ('failing', 'recovered', 'disabled')),
  primary key (company, id)
) strict, without rowid;

-- Old secrets to delete, for the sweep: subscription.expire.sql.
create index subscriptions_rotated on subscriptions (old_secret_until) where old_secret_until is not null;

-- Webhooks whose held deliveries the sweep releases: subscription.releasing.sql.
create index subscriptions_releasing on subscriptions (company, id) where releasing is not null;

-- Webhooks whose secrets are not sealed yet, for the sweep: subscription.plain.sql.
create index subscriptions_plain on subscriptions (company, id) where sealed = 0;

-- Webhooks with an open circuit or a rate limit, for the sweep: subscription.free_slots.sql.
create index subscriptions_paced on subscriptions (company, id) where open_until is not null or rate_limit is not null;

-- The outbox: one row a delivery, written in the batch that stores its event. The queue only wakes
-- it up.
create table deliveries (
  company      text    not null,
  subscription text    not null,
  -- 12 hex digits of created_at, then 20 random ones: the primary key is also the order of time.
  id           text    not null check (substr(id, 1, 12) = format('%012x', created_at)),
  source       integer not null,           -- of its event, with message_id
  message_id   text    not null,
  event        text    not null,           -- the event name that the subscriber sees
  state        text    not null check (
    state in ('pending', 'leased', 'held', 'delivered', 'failed_permanent', 'exhausted', 'dismissed')),
  attempts     integer not null default 0, -- number of attempts ever made
  tries        integer not null default 0, -- attempts since it was last started; the retry policy counts these
  generation   integer not null default 0, -- number of leases; a result must name the lease it belongs to
  due_at       integer not null,           -- ms, next attempt; of a leased one, the end of the lease
  created_at   integer not null,           -- ms
  finished_at  integer,                    -- ms; null: not finished
  profile      text,                       -- owner of the event when the delivery was written; null: nobody
  settle_marker integer,                    -- random number of the batch of results that last ended an attempt
  interrupted  integer not null default 0, -- leases that ran out since it was last started
  -- The latest attempt, whose number is `attempts`. The columns are those of the table attempts, and
  -- null before the first.
  attempt_at            integer,
  attempt_status_code   integer,
  attempt_success       integer,
  attempt_duration_ms   integer,
  attempt_url           text,
  attempt_error         text,
  attempt_response_body text,
  body         text,                       -- built at the first lease: these bytes are signed and sent
  primary key (company, subscription, id)
) strict, without rowid;

-- A webhook's held deliveries, oldest first: delivery.lease_held.sql, delivery.release.sql,
-- subscription.list.sql.
create index deliveries_held on deliveries (company, subscription, id) where state = 'held';

-- Open deliveries. The sweep serves each company and webhook in turn, so this is by webhook:
-- delivery.due.sql.
create index deliveries_due on deliveries (company, subscription, due_at, id) where state in ('pending', 'leased');

-- The log of attempts, without the latest of each delivery, which is in the delivery's row. So a
-- delivery that succeeds at once has no row here.
create table attempts (
  company       text    not null,
  delivery      text    not null,
  attempt       integer not null, -- number of the attempt: 1, 2, …
  at            integer not null, -- ms, when it began
  url           text    not null, -- where it went
  status_code   integer,          -- HTTP status; null: no answer
  success       integer not null, -- 1: delivered
  error         text,             -- why it failed; null: it did not
  response_body text,             -- first bytes of the answer
  duration_ms   integer not null,
  primary key (company, delivery, attempt)
) strict, without rowid;

-- One row a record, made from events of the company's server (domain/record.rs). A row has no
-- owner: it lies at the place of its latest event with a person, and the links of that session say
-- whose it is.
create table records (
  company   text    not null,
  kind      text    not null,
  id        text    not null, -- the company's own
  session   text    not null, -- where it lies; '': no event has named a person
  placed_ts integer not null, -- ts of the event that placed it; -1: none
  placed_id text    not null, -- its message id
  first_ts  integer not null, -- ts of its first event
  last_ts   integer not null, -- ts of its last event
  scans     integer not null, -- number of `qr.scanned` events
  fields    text    not null, -- JSON object, name → [ts, message id, [value]] of the latest event with that field
  primary key (company, kind, id)
) strict, without rowid;

-- The records of a session: records.list.sql, profile.columns.sql, links.release.sql.
create index records_by_session on records (company, session, kind, placed_ts);

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

-- One row an export: who took what, how much, and the hash of the bytes. It holds no data of
-- people.
create table exports (
  company    text    not null,
  id         text    not null,             -- `exp_…`; ascends with time
  key_id     text    not null,             -- the API key that asked
  key_prefix text    not null,
  kind       text    not null check (kind in ('users', 'events', 'user')),
  format     text    not null check (format in ('csv', 'json', 'ndjson')),
  filters    text    not null,             -- JSON object, name → value; not of a value that may name a person
  fields     text,                         -- JSON array; null: all
  snapshot   integer not null,             -- ms; the export shows what was there at that time
  after      text,                         -- the row after which it began; null: the first
  state      text    not null check (state in ('running', 'complete', 'partial', 'aborted')),
  rows       integer not null default 0,   -- number of rows sent
  bytes      integer not null default 0,   -- number of bytes sent
  sha256     text,                         -- of the bytes sent, hex
  changed    integer,                      -- number of users that changed after the snapshot
  last       text,                         -- the last row sent: the next part begins after it
  -- JSON array of [rows, bytes, sha256, last row]: where a broken download can resume.
  marks      text    not null default '[]',
  request    text    not null,             -- request id
  started_at integer not null,             -- ms
  touched_at integer not null,             -- ms, last sign of life
  ended_at   integer,                      -- ms; null: running
  primary key (company, id)
) strict, without rowid;

-- Running exports, of which a company may have a few, and which the sweep ends when they are dead:
-- export.insert.sql, export.abandon.sql.
create index exports_running on exports (company, touched_at) where state = 'running';

-- Old exports to delete, for the sweep: export.prune.sql.
create index exports_by_age on exports (started_at);

-- One row an erased person. The row stays as the receipt.
create table erasures (
  company      text    not null,
  profile      text    not null,
  erased_at    integer not null, -- ms, from then on nobody sees the person
  completed_at integer,          -- ms, when the last row was deleted; null: under way
  notice       text    not null, -- message id of its `user.deleted`
  place        text    not null, -- JSON array [ts, source, message id]: how far the search for platform events is
  counts       text    not null, -- JSON object, kind → number of rows deleted
  primary key (company, profile)
) strict, without rowid;

-- Whether a person's erasure is under way: delivery.lease.sql, deliveries.insert.sql.
create index erasures_open on erasures (company, profile) where completed_at is null;

-- A company's open erasures, the oldest first, for the sweep: erasure.open.sql.
create index erasures_waiting on erasures (company, erased_at) where completed_at is null;

-- The identity keys of erased people, hashed (domain/tombstone.rs), so that old data does not bring
-- them back.
create table tombstones (
  company    text    not null,
  hash       text    not null,
  profile    text    not null, -- the erased profile, which is empty
  created_at integer not null, -- ms
  public_id  text,             -- the user id that public answers showed for the key; null: the id of the profile
  primary key (company, hash)
) strict, without rowid;

-- Finds an erased person by an id that a public answer showed: profile.find.sql,
-- server.resolve.sql, erasure.find.sql.
create index tombstones_public on tombstones (company, public_id) where public_id is not null;

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

-- All rejected items, and stored and duplicate ones while somebody watches
-- (`companies.watched_until`). A company has three rings, each of which keeps its newest rows, so
-- that a flood of one kind does not push out the others.
create table incoming (
  company     text    not null,
  ring        integer not null check (ring in (0, 1, 2)), -- 0 stored or duplicate; rejected: 1 browser, 2 server
  place       integer not null, -- number in the ring, ascending
  seq         integer not null, -- number in the company, ascending, never used twice: ms × 1000, or the last plus one
  at          integer not null, -- ms, when it arrived
  source      integer not null check (source in (0, 1)), -- the API it came through: 0 browser, 1 server
  outcome     text    not null check (outcome in ('stored', 'duplicate', 'rejected')),
  message_id  text,             -- of the event; a row that is not rejected has the columns below from there
  type        text,             -- of a rejected item: its event name, as far as it was readable
  code        text,             -- of a rejected item: the problem code
  message     text,             -- … its message
  field       text,             -- … the field it is about
  data        text,             -- of a rejected item: JSON with the shape of the data, without values
  session     text,             -- of a rejected item
  happened_at integer,          -- ms, of a rejected item
  sent_by_server integer,       -- 1: a server sent it for a browser's session (`events.sent_by_server`); else null
  primary key (company, ring, place)
) strict, without rowid;

-- Reads a company's log in order: incoming.before.sql, incoming.after.sql.
create unique index incoming_by_seq on incoming (company, seq);

-- Finds the row of an event: event.find.sql, incoming.of_id.sql, incoming.forget.sql.
create index incoming_by_message on incoming (company, message_id) where message_id is not null;

-- Old rows to delete, for the sweep: incoming.prune.sql.
create index incoming_by_age on incoming (at);

-- One row a company that has a plan.
create table plans (
  company    text    not null primary key,
  mode       text    not null check (mode in ('off', 'report', 'reject')), -- what happens to an event that violates it
  plan       text    not null, -- JSON object (domain/plan.rs)
  version    integer not null, -- random number of this plan and mode; copied to `companies.plan` and `keys.plan`
  updated_at integer not null  -- ms
) strict, without rowid;

-- Counts of violations. It holds names of events, fields and reasons, and no values.
create table violations (
  company  text    not null,
  event    text    not null,
  field    text    not null,
  reason   text    not null,
  seen     integer not null, -- how often
  first_at integer not null, -- ms, by our clock
  last_at  integer not null, -- ms, by our clock
  primary key (company, event, field, reason)
) strict, without rowid;

-- Where a job that works in slices continues, or when it last ran.
create table progress (
  job   text not null primary key, -- name of the job
  place text not null              -- the job's own format
) strict, without rowid;

-- The events of past hours, counted for statistics (domain/stats/hours.rs), so that they need not be
-- read again. Whatever changes the events of an hour deletes its row, in the same transaction.
create table event_hours (
  company text    not null,
  hour    integer not null, -- hours since 1970
  number  integer not null, -- random number of the count that writes `counts`
  counts  text,             -- JSON {browser, server, names: {name: count}}; null: they are being counted
  primary key (company, hour)
) strict, without rowid;

-- A late event. An event of this hour finds no row, so it does not look for one.
create trigger event_hours_event_added after insert on events
when new.ts < unixepoch() / 3600 * 3600000000
begin
  delete from event_hours where company = new.company and hour = new.ts / 3600000000;
end;

-- An event is erased, or its retention ends.
create trigger event_hours_event_deleted after delete on events
when old.ts < unixepoch() / 3600 * 3600000000
begin
  delete from event_hours where company = old.company and hour = old.ts / 3600000000;
end;

-- An identify is undone.
create trigger event_hours_event_changed after update of session, type on events
when old.ts < unixepoch() / 3600 * 3600000000
begin
  delete from event_hours where company = old.company and hour = old.ts / 3600000000;
end;

-- How far the sweep has counted the past hours of each company, and when it goes on.
create table hour_counts (
  company  text    not null primary key,
  since    integer not null,           -- it counts the hours from this one on, hours since 1970
  due_at   integer not null default 0, -- ms, when the company's next turn is due
  begun_at integer not null default 0, -- ms, when its last round began; 0: none has, or a request needs one
  round    text                        -- JSON, where its round continues; null: it has ended
) strict, without rowid;

-- Whose turn is next: hour_counts.claim.sql.
create index hour_counts_due on hour_counts (due_at);

-- Every new company is counted from its creation on.
create trigger hour_counts_company_added after insert on companies
begin
  insert into hour_counts (company, since) values (new.id, new.created_at / 3600000) on conflict do nothing;
end;

-- One row a key, for a day. It holds hashes of the key and of the request, and a sealed answer.
create table idempotency_keys (
  company text    not null, -- '': the operator
  key     text    not null, -- SHA-256, hex
  request text    not null, -- SHA-256 of key, path and body, hex
  marker  integer not null, -- names the request that runs, or that was answered
  at      integer not null, -- ms, when that request began
  status  integer,          -- HTTP status of its answer; null: it runs, or it died
  answer  text,             -- body of its answer, sealed; null: too large
  primary key (company, key)
) strict;

-- Old rows to delete, for the sweep: idempotency_keys.prune.sql.
create index idempotency_keys_by_age on idempotency_keys (at);

-- The cell of each company that is not in `DB`.
create table places (
  company  text    not null primary key,
  cell     text    not null, -- name of its binding
  moved_at integer not null  -- ms
) strict, without rowid;

-- The company of each key whose company is not in `DB`. The key itself is in the company's cell.
create table key_places (
  hash    text not null primary key, -- SHA-256 of the key, hex
  company text not null
) strict, without rowid;

-- The keys of a company, when it moves.
create index key_places_by_company on key_places (company);

-- The cells, as the sweep last saw them.
create table cells (
  cell          text    not null primary key, -- name of its binding: `DB`, `CELL_…`
  state         text    not null default 'open' check (state in ('open', 'full', 'closed')), -- full: takes no new companies; closed: no moves either
  jurisdiction  text,    -- where its data stay: `eu`, `us`, `fedramp`; null: anywhere
  region        text,    -- the location hint it was created with; null: unknown
  companies     integer not null default 0,
  bytes         integer not null default 0,
  schema        integer not null default 0, -- number of its last migration
  first_seen_at integer not null, -- ms
  seen_at       integer not null default 0, -- ms, when a sweep last ended there
  error         text,    -- why the last sweep failed; null: it did not
  gauges        text     -- JSON, what the last sweep measured (domain/metrics.rs); null: nothing
) strict, without rowid;

-- The moves of companies from one cell to another. At most one has not ended.
create table moves (
  id          text    not null primary key, -- 12 hex digits of began_at, then random ones
  company     text    not null,
  source      text    not null, -- cell
  target      text    not null, -- cell
  phase       text    not null check (phase in ('copying', 'frozen', 'switched', 'aborting', 'done', 'aborted')),
  place       text    not null default '{}', -- JSON, where the phase continues
  rows        integer not null default 0, -- copied so far
  began_at    integer not null, -- ms
  frozen_at   integer, -- ms
  switched_at integer, -- ms
  ended_at    integer, -- ms
  lease_until integer not null default 0, -- ms, until when one worker goes on with it
  error       text     -- why the last step failed; null: it did not
) strict, without rowid;

-- Only one move runs at a time.
create unique index moves_open on moves (ended_at is null) where ended_at is null;

-- The moves of a company, the latest last.
create index moves_by_company on moves (company, id);

-- Companies of which this cell has rows, or had some, and which are not here: they are still being
-- copied to it, they are being switched to another cell, or they are gone there.
create table away (
  company text    not null primary key,
  state   text    not null check (state in ('arriving', 'leaving', 'gone')),
  since   integer not null -- ms
) strict, without rowid;

-- Whether a company is being copied or switched.
create index away_moving on away (company) where state <> 'gone';

-- Never has a row. Every batch of a company inserts one if the company is not here, so the batch
-- fails as a whole (store/sql/fence.sql).
create table fence (
  company text constraint company_is_away check (company is null)
) strict;

-- The rows of a company that changed since its move began, in their order. While a company is
-- copied, triggers write them (store/moving.rs).
create table changes (
  seq  integer not null primary key,
  name text    not null, -- of the table
  key  text    not null  -- JSON array
) strict;
