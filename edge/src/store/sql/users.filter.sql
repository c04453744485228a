-- The users that match a filter, each with the value by which the list is sorted and the bytes of
-- the row. Every users.*.sql begins with this. It uses only the primary key of profiles. Another
-- index would cost each identify a written row, as much as a thousand rows read.
-- ?1 company, ?2 created from ms, ?3 created before ms, ?4 updated from ms, ?5 JSON array of tags,
-- ?6 JSON object of custom fields, ?7 platform opted in, ?8 1 for consent given, ?9 JSON of the
-- search (domain/search.rs), ?10 key to sort by; ?2 to ?10 are null for no filter
with asked as (
  select p.id, case ?10 when 'createdAt' then p.created_at when 'updatedAt' then p.updated_at
                        when 'firstName' then p.first_name when 'lastName' then p.last_name else '' end as key,
         octet_length(p.traits) + octet_length(p.trusted_traits) + octet_length(p.aliases) + coalesce(octet_length(p.trusted_data), 0) as bytes
  from profiles as p
  where p.company = +?1 and p.erased_at is null and p.merged_into is null
    and (?2 is null or p.created_at >= ?2)
    and (?3 is null or p.created_at < ?3)
    and (?4 is null or p.updated_at >= ?4)
    and (?5 is null or not exists (
      select 1 from json_each(?5) as w
      where not exists (select 1 from tags where company = +?1 and profile = p.id and name = w.value)))
    and (?6 is null or not exists (
      select 1 from json_each(?6) as w
      where not exists (select 1 from fields where company = +?1 and profile = p.id and name = w.key and value = w.value)))
    and (?7 is null or p.opt_ins ->> ?7 = 1)
    and (?8 is null or p.consent = 1)
    and (?9 is null or p.id in (
      select profile from search_words where company = +?1 and word >= ?9 ->> 'from' and word < ?9 ->> 'to'))
    and (?9 ->> 'phrases' is null or exists (
      select 1 from search_docs as d
      where d.company = +?1 and d.profile = p.id
        and not exists (select 1 from json_each(?9, '$.phrases') as w where instr(' ' || d.text, w.value) = 0)))
)
