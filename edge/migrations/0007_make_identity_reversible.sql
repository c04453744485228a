-- What it takes to take an identify or a merge back, to change an address, and to ask for proof of one.
alter table profiles add column maker text;                        -- message id of the identify that made it; null: a server event did
alter table profiles add column merged_into text;                  -- the profile that stands for it, in one hop
alter table profiles add column own text;                          -- JSON: what secret keys said of it by itself, while it belongs to a group of merged ones
alter table profiles add column aliases text not null default '[]'; -- JSON array of lookup keys of further addresses

create index profiles_merged on profiles (company, merged_into) where merged_into is not null;

-- What was identified as one profile and now counts for the one that it was merged into.
alter table links add column origin text;
alter table identities add column origin text;
alter table identities add column ended_at integer;                -- ms, when the person gave the address up; it still leads to them until somebody else has it

-- A merge is a fact about two profiles, kept while it stands: `winner` was itself not merged then.
create table merges (
  company text    not null,
  loser   text    not null,
  winner  text    not null,
  at      integer not null, -- ms
  source  text    not null check (source in ('admin', 'server')),
  primary key (company, loser)
) strict, without rowid;

create index merges_by_winner on merges (company, winner);

alter table companies add column verification integer not null default 0 check (verification in (0, 1, 2)); -- of pages' identifies: off, optional, required
alter table companies add column identity_secret text;             -- sealed
