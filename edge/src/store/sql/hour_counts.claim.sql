-- Takes the turn of the company that has waited longest. `has_new` says whether its round goes on,
-- or whether it may have events that its last round did not count.
-- ?1 now ms, ?2 until then nobody else takes it, ms, ?3 ms before a round in which it may have
-- missed events
update hour_counts set due_at = +?2
where company = (select company from hour_counts indexed by hour_counts_due where due_at <= +?1 order by due_at limit 1)
returning company, since, round, round is not null or begun_at = 0 or exists (
  select 1 from catalog as c where c.company = hour_counts.company and c.last_at >= begun_at - ?3) as has_new
