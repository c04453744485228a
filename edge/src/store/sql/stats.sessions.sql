-- How many browser sessions have an event in a range. ?1 company, ?2 from ms, ?3 to ms
select count(distinct session) as n from events indexed by events_timeline
where company = ?1 and session > '' and ts >= ?2 * 1000 and ts < ?3 * 1000 and source = 0
