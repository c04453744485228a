-- Fails, and with it the whole batch, if the company is not in this cell.
-- ?1 company, ?2 1 in every cell but the first: a company that is not even known there is elsewhere
insert into fence (company) select ?1
where exists (select 1 from away where company = +?1) or ?2 = 1 and not exists (select 1 from companies where id = +?1)
