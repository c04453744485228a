-- What public answers need so that they tell nothing of who is who: a name for each address that is no other's, and whether a message id was this very
-- claim's. And names of events that hold an address are counted no more: they would outlive whoever has it.
-- An address is answered as the profile that it was first given to, which is one address' alone; those that a person was given later have an id of their own.
alter table identities add column public_id text;
alter table tombstones add column public_id text; -- as the address was answered before it was erased; null: as its profile
alter table events add column claim integer;      -- of an identify, a hash of its session and lookup key; it stays when the rest of the row goes

create unique index identities_public on identities (company, public_id) where public_id is not null;
create index tombstones_public on tombstones (company, public_id) where public_id is not null;

update identities set public_id = lower(hex(randomblob(12)))
where (company, kind, key) in (
  select company, kind, key from (
    select company, kind, key, row_number() over (partition by company, coalesce(origin, profile) order by created_at, key) as place
    from identities where kind = 'email')
  where place > 1);

update tombstones set public_id = lower(hex(randomblob(12)))
where (company, hash) in (
  select company, hash from (select company, hash, row_number() over (partition by company, profile order by hash) as place from tombstones)
  where place > 1);

delete from catalog where instr(name, '@') > 0;
delete from violations where instr(event, '@') > 0 or instr(field, '@') > 0;
