-- Stores counted hours, except those whose events changed after event_hours.open. The join finds
-- these by the hours of the count; an update would look through all hours for each of them.
-- ?1 company, ?2 JSON array of [hour, counts], ?3 number of the count
insert into event_hours (company, hour, number, counts)
select h.company, h.hour, h.number, j.value -> 1
from json_each(?2) as j cross join event_hours as h
  on h.company = +?1 and h.hour = +(j.value ->> 0) and h.number = +?3 and h.counts is null
where true
on conflict (company, hour) do update set counts = excluded.counts
