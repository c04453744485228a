-- Begins a move, unless another one has not ended.
-- ?1 id, ?2 company, ?3 source, ?4 target, ?5 now ms
insert into moves (id, company, source, target, phase, began_at) select ?1, ?2, ?3, ?4, 'copying', ?5 where true
on conflict do nothing
