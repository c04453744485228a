-- The events to delete, each with the link that owns it. Every forget.*.sql begins with this. Of an
-- erased person these are only the events that their links own now, their identifies, and platform
-- events about them.
-- ?1 company, ?2 JSON array of {s source, i message id}, ?3 profile or null for all
with doomed as materialized (
  select w.* from (
    select e.source, e.message_id, e.session, e.ts, e.received_at, e.revenue, e.data,
      coalesce(
        (select json_array(at, id, profile) from links where company = +?1 and session = e.session and at <= e.ts order by at desc, id desc limit 1),
        (select json_array(at, id, profile) from links where company = +?1 and session = e.session order by at, id limit 1)) as link
    from json_each(?2) as j cross join events as e
      on e.company = +?1 and e.source = j.value->>'s' and e.message_id = j.value->>'i'
  ) as w
  where ?3 is null or w.link ->> 2 = +?3 or w.session = '' and w.source = 1
    and coalesce((select merged_into from profiles where company = +?1 and id = w.data ->> '$.user.id'), w.data ->> '$.user.id') = +?3
    or w.source = 0 and exists (
      select 1 from links where company = +?1 and session = w.session and at = w.ts and id = w.message_id and profile = +?3)
)
