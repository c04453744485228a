-- Stores the result of a rebuild, and adds the claims that arrived during it. If the identify that
-- created the profile was undone, the creator is now whichever arrived first: the first of the
-- person's remaining identifies, or the event that opened the server session. For the latter, the
-- first ?11 events by their time are read.
-- ?1 company, ?2 profile, ?3 the step that was read, ?4 traits, ?5 name, ?6 ?7 ?8 ts, message id
-- and arrival of the first identify, ?9 JSON array of arrival, ts and message id of the first
-- identify with this profile, ?10 1 if the identify that created the profile still exists, ?11
-- events read, ?12 most bytes and ?13 most members of traits, ?14 now ms
with later as materialized (select later_claims as claims from profiles where company = +?1 and id = +?2),
grown as materialized (select json_patch(coalesce(claims -> '$.traits', '{}'), ?4) as traits, claims from later),
made (created_by_identify, created_at) as (
  select id, ms from (
    select ?9 ->> 0 as arrived, ?9 ->> 2 as id, (?9 ->> 1) / 1000 as ms where ?9 is not null
    union all
    select received_at, null, (select min(o.ts) / 1000 from events as o indexed by events_timeline where o.company = +?1 and o.session = s.session and o.request = s.request)
    from (select received_at, session, request from (
            select received_at, session, request from events indexed by events_timeline
            where company = +?1 and session = (select server_session from profiles where company = +?1 and id = +?2) order by ts limit +?11
          ) order by received_at limit 1) as s
    union all
    select 9007199254740991, claims ->> '$.first[1]', (claims ->> '$.first[0]') / 1000 from later where claims ->> '$.first' is not null
  ) order by arrived limit 1
)
update profiles set
  traits = (select iif(length(cast(traits as blob)) <= ?12 and (length(traits) - length(replace(traits, '":', ''))) / 2 <= ?13, traits, ?4) from grown),
  name = coalesce(?5, (select claims ->> '$.name' from later)),
  registered_at = coalesce(?6, (select claims ->> '$.first[0]' from later)),
  registered_id = coalesce(?7, (select claims ->> '$.first[1]' from later)),
  created_at = iif(created_by_identify is null or ?10, created_at, coalesce((select m.created_at from made as m), created_at)),
  created_by_identify = iif(created_by_identify is null or ?10, created_by_identify, (select m.created_by_identify from made as m)),
  later_claims = null, updated_at = max(updated_at + 1, ?14), searched = 0
where company = +?1 and id = +?2 and erased_at is null and merged_into is null and exists (select 1 from rebuilds where company = +?1 and profile = +?2 and step = +?3)
