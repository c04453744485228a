-- Adds to what was seen of event names. ?1 company, ?2 JSON array of {n name, k how many, t last ms}
insert into catalog (company, name, seen, last_at)
select ?1, j.value->>'n', j.value->>'k', j.value->>'t' from json_each(?2) as j where true
on conflict (company, name) do update set seen = seen + excluded.seen, last_at = max(last_at, excluded.last_at)
