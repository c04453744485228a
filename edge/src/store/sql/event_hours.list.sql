-- The stored hours of a range. Counts of `null` say that the hour has too many names to be stored.
-- ?1 company, ?2 after this hour, ?3 before this hour, ?4 limit
select hour, counts from event_hours
where company = +?1 and hour > ?2 and hour < ?3 and counts <> 'null'
order by hour limit +?4
