-- Writes the words of people who changed since the last search. The triggers update the index and
-- mark these people as done.
-- ?1 company, ?2 most people
insert into search_docs (company, profile, text)
select company, id, concat_ws(' ', email, coalesce(m ->> 'fullName', name, m ->> 'name'), m ->> 'firstName', m ->> 'lastName',
                              m ->> 'instagramUsername', m ->> 'phone', aliases,
                              (select group_concat(coalesce(email, '') || ' ' || aliases, ' ') from profiles as o indexed by profiles_merged where o.company = +?1 and o.merged_into = p.id))
from (
  select company, id, email, name, aliases, json_patch(traits, trusted_traits) as m from profiles
  where company = +?1 and searched = 0 and erased_at is null and merged_into is null order by id limit +?2
) as p
where true
on conflict (company, profile) do update set text = excluded.text
returning 1 as one
