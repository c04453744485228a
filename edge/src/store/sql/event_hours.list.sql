-- The stored hours of a range.
-- ?1 company, ?2 after this hour, ?3 before this hour, ?4 limit
select hour, counts from event_hours
where company = +?1 and hour > ?2 and hour < ?3 and counts is not null
order by hour limit +?4
