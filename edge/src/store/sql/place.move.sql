-- Notes the cell of a company.
-- ?1 company, ?2 cell, ?3 now ms
insert into places (company, cell, moved_at) values (?1, ?2, ?3)
on conflict (company) do update set cell = excluded.cell, moved_at = excluded.moved_at where places.cell <> excluded.cell
