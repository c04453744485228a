-- Erasing people for good.

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
