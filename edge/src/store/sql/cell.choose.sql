-- The emptiest cell that takes a new company.
-- ?1 a cell or null for any, ?2 jurisdiction or null, ?3 region or null for any, ?4 JSON array of the
-- bound cells
select cell from cells
where state = 'open' and cell in (select value from json_each(?4)) and (?1 is null or cell = +?1) and (jurisdiction is ?2 or ?1 is not null and ?2 is null) and (?3 is null or region = +?3)
order by bytes, cell limit 1
