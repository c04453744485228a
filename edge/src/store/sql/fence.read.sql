-- The fence of a batch that only reads: a row if the company is not in this cell.
-- ?1 company, ?2 1 in every cell but the first
select 1 as away
where exists (select 1 from away where company = +?1) or ?2 = 1 and not exists (select 1 from companies where id = +?1)
