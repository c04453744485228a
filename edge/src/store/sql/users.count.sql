-- How many are asked for, as far as it is counted. ?11 most, -1 for all
select count(*) as total from (select 1 from asked limit ?11)
