-- A company's names: those that servers send first, then the last sent first.
-- ?1 company, ?2 limit
select name, source, last_at from catalog where company = +?1 order by source desc, last_at desc limit +?2
