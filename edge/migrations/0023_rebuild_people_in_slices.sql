-- People who are worked out again from their links, because a link was taken or given: how far that is, and what it has found. A row lives as long as that takes.
create table rebuilds (
  company    text    not null,
  profile    text    not null,
  began_at   integer not null, -- ms; what identifies claimed later is in profiles.later_claims
  touched_at integer not null, -- ms, the last slice
  step       integer not null, -- counts slices: each names the one before it
  last_ts    integer not null, -- the link behind which the next slice begins, in the order of links_by_profile; first those that own nothing
  session    text    not null,
  at         integer not null,
  id         text    not null,
  found      text    not null, -- JSON object (domain/rebuild.rs)
  vanish     integer not null, -- 1: the profile goes if nothing is left of it
  waits_for  text,             -- the profile whose rebuilding comes first: it may give this one links
  notice     text    not null, -- message id of the event that says why; it stays if the profile goes
  primary key (company, profile)
) strict, without rowid;

create index rebuilds_by_age on rebuilds (touched_at);

-- What identifies claimed while the person is rebuilt: a JSON object {name, traits, first: [ts, message id]}. Null at any other time.
alter table profiles add column later_claims text;
