-- Says in which cell a new company is, unless it is in the first one. The first request for it
-- decides; returns its cell.
-- ?1 company, ?2 cell, ?3 now ms
insert into places (company, cell, moved_at) select ?1, ?2, ?3 where not exists (select 1 from companies where id = +?1)
on conflict (company) do update set cell = cell
returning cell
