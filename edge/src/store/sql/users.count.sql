-- The number of users that match, up to a limit.
-- ?11 limit, -1 for none
select count(*) as total from (select 1 from asked limit +?11)
