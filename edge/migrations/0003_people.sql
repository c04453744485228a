-- People: a profile a person, its tags, custom fields and search words.

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
