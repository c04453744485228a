-- The emptiest cell that takes a new company. One that no sweep has seen yet is empty.
-- ?1 a cell or null for any, ?2 jurisdiction or null, ?3 region or null for any, ?4 JSON object of the
-- bound cells, each with its jurisdiction and region
select b.key as cell from json_each(?4) as b left join cells as c on c.cell = b.key
where coalesce(c.state, 'open') = 'open' and (?1 is null or b.key = +?1)
  and (b.value ->> 'jurisdiction' is ?2 or ?1 is not null and ?2 is null) and (?3 is null or b.value ->> 'region' = +?3)
order by coalesce(c.bytes, 0), b.key limit 1
