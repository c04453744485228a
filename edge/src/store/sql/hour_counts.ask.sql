-- Has the sweep count the hours of a company from this one on, soon. A round that is under way
-- takes them along.
-- ?1 company, ?2 hour, ?3 now ms
update hour_counts
set since = min(since, ?2), begun_at = 0, due_at = iif(round is null, min(due_at, ?3), due_at)
where company = +?1
