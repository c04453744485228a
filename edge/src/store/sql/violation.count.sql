-- Adds to the numbers of violations. New kinds are added while there is room.
-- ?1 company, ?2 JSON array of {e event, f field, r reason, k number, t last ms}, ?3 most kinds
insert into violations (company, event, field, reason, seen, first_at, last_at)
select ?1, j.value->>'e', j.value->>'f', j.value->>'r', j.value->>'k', j.value->>'t', j.value->>'t' from json_each(?2) as j
where (select count(*) from violations where company = +?1) + j.key < ?3
  or exists (select 1 from violations where company = +?1 and event = j.value->>'e' and field = j.value->>'f' and reason = j.value->>'r')
on conflict (company, event, field, reason) do update set seen = seen + excluded.seen, last_at = max(last_at, excluded.last_at)
