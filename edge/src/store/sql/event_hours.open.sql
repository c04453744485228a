-- Announces the hours that a count will store. If the events of an hour change meanwhile, its row is
-- deleted, and event_hours.store does nothing. Of two counts, the later one stores.
-- ?1 company, ?2 JSON array of hours, ?3 number of the count
insert into event_hours (company, hour, number)
select ?1, value, ?3 from json_each(?2)
where true
on conflict (company, hour) do update set number = excluded.number where counts is null
