-- Writes the words of people. The triggers update the index.
-- ?1 company, ?2 JSON array of {id, text, words}
insert into search_docs (company, profile, text)
select +?1, w.value ->> 'id', w.value ->> 'words'
from json_each(?2) as w cross join profiles as p on p.company = +?1 and p.id = w.value ->> 'id'
where p.erased_at is null and p.merged_into is null
on conflict (company, profile) do update set text = excluded.text where text <> excluded.text
