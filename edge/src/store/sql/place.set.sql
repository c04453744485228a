-- Says in which cell a new company is, unless it has a place.
-- ?1 company, ?2 cell, ?3 now ms
insert into places (company, cell, moved_at) values (?1, ?2, ?3) on conflict (company) do nothing
