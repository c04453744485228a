-- Begins a restore, unless one runs or there is something of these companies.
-- ?1 its state, JSON, ?2 after this company, ?3 to this company
insert into progress (job, place) select 'restore', ?1
where not exists (select 1 from companies where id > ?2 and id <= ?3)
  and not exists (select 1 from profiles where company > ?2 and company <= ?3)
  and not exists (select 1 from events where company > ?2 and company <= ?3)
  and not exists (select 1 from links where company > ?2 and company <= ?3)
  and not exists (select 1 from deliveries where company > ?2 and company <= ?3)
on conflict (job) do nothing
