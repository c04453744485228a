-- The cell of a company; null if there is no such company.
-- ?1 company
select ?1 as company, coalesce((select cell from places where company = +?1), (select 'DB' from companies where id = +?1)) as cell
