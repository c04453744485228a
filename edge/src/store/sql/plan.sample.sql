-- A sample of the events of a door: of the first ones in the order of their ids, which mostly are random, the latest of each name.
-- ?1 company, ?2 source, ?3 how many are looked at, ?4 of each name, ?5 in all, ?6 bytes of one at most
select type as name, data from (
  select type, data, row_number() over (partition by type order by ts desc) as n
  from (select type, data, ts from events where company = ?1 and source = ?2 and length(data) <= ?6 limit ?3)
)
where n <= ?4 order by n limit ?5
