-- What is known of a person beyond an address: what secret keys said (over what public keys claim), consent, tags, custom fields, and words to search by.
alter table profiles add column said text not null default '{}';     -- JSON object of traits; a null hides what was claimed
alter table profiles add column opt_ins text not null default '{}';  -- JSON object, platform → true or false; only secret keys set it
alter table profiles add column consent integer;                     -- to being exported: 1, 0, or null for never asked
alter table profiles add column consent_at integer;                  -- ms
alter table profiles add column consent_source text;
alter table profiles add column said_at integer;                     -- ms, when a secret key last changed anything
alter table profiles add column updated_at integer not null default 0; -- ms, by our clock
alter table profiles add column edit integer not null default 0;     -- random, the last edit: the next one names the one it saw
alter table profiles add column searched integer not null default 0; -- 1 when search_docs has the words of now

update profiles set updated_at = created_at;

-- Names to sort by, as shown: computed when read, so that they cost an identify no row. Lower case as SQLite knows it (ASCII).
alter table profiles add column first_name text as (
  case when json_type(json_patch(traits, said), '$.firstName') = 'text' then lower(json_patch(traits, said) ->> 'firstName') else '' end) virtual;
alter table profiles add column last_name text as (
  case when json_type(json_patch(traits, said), '$.lastName') = 'text' then lower(json_patch(traits, said) ->> 'lastName') else '' end) virtual;

create table tags (
  company    text    not null,
  profile    text    not null,
  name       text    not null,
  applied_at integer not null, -- ms
  primary key (company, profile, name)
) strict, without rowid;

create index tags_by_name on tags (company, name, profile);

create table fields (
  company text not null,
  profile text not null,
  name    text not null,
  value   text not null,
  primary key (company, profile, name)
) strict, without rowid;

create index fields_by_value on fields (company, name, value, profile);

-- The words of each person, written when somebody searches (store/sql/search.refresh.sql): an identify does not pay for an index that may never be asked.
create table search_docs (
  id      integer primary key,
  company text not null,
  profile text not null,
  text    text not null,
  unique (company, profile)
) strict;

create virtual table search using fts5 (company, text, content = 'search_docs', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2');

create trigger search_docs_added after insert on search_docs begin
  insert into search (rowid, company, text) values (new.id, new.company, new.text);
  update profiles set searched = 1 where company = new.company and id = new.profile;
end;

create trigger search_docs_changed after update of text on search_docs begin
  insert into search (search, rowid, company, text) values ('delete', old.id, old.company, old.text);
  insert into search (rowid, company, text) values (new.id, new.company, new.text);
  update profiles set searched = 1 where company = new.company and id = new.profile;
end;

create trigger search_docs_gone after delete on search_docs begin
  insert into search (search, rowid, company, text) values ('delete', old.id, old.company, old.text);
end;
