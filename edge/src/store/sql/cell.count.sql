-- The number of companies in this cell. ?1 most
select count(*) as companies from (select 1 from companies where not exists (select 1 from away where company = id) limit +?1)
