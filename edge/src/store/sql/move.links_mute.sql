-- Makes links that belong to nobody, or takes their person from them, so that the triggers of the
-- next statement do not count them for the person.
-- ?1 JSON array of rows of `links`
insert into links (company, session, at, id)
select value ->> 0, value ->> 1, value ->> 2, value ->> 3 from json_each(?1) where true
on conflict (company, session, at, id) do update set profile = null
