-- Stores the new events of a request. events.returning returns their message ids, and events.number
-- their number.
-- ?1 JSON array of {i id, t ts, n type, d data, r revenue counters?, o original ms?, c context?, w
-- 1 if a server sent it for a browser's session?}, ?2 company, ?3 source, ?4 session, ?5 marker,
-- ?6 sent ms, ?7 received ms, ?8 context, ?9 origin and the patterns that it matches, ?10 identity
-- key or null, ?11 profile to which the key must lead, or without a key a profile that must exist
-- and not be erased, or null, ?12 hash that no tombstone may have, ?13 1 for an identify without
-- proof, ?14 1 for a bot's, or null, ?15 version of the tracking plan that they were checked
-- against, or null without a plan, ?16 the identify hash or null, ?17 null, or a JSON array of
-- [lookup key, profile to which it must lead or null for nobody, number of keys below which that
-- profile must stay or null, number of keys it must have or null, 1 if it must have an address]
insert into events (company, source, message_id, session, ts, type, data, context, revenue, request, original_at, sent_at, received_at, bot, identify_hash, sent_by_server)
select c.id, ?3, j.value->>'i', ?4, j.value->>'t', j.value->>'n', j.value->'d', coalesce(j.value->'c', ?8),
       case when j.value->'r' is not null
             and exists (select 1 from json_each(c.revenue_events) as counted where counted.value = j.value->>'n')
            then j.value->'r' end,
       ?5, j.value->>'o', ?6, ?7, ?14, ?16, j.value->>'w'
from companies as c cross join json_each(?1) as j
where c.id = +?2 and (?13 is null or c.verification < 2) and (?15 is null or c.plan = +?15)
  and (?9 is null or c.allowed_origins is null or exists (
    select 1 from json_each(c.allowed_origins) as o where instr(?9, char(10) || o.value || char(10)) > 0))
  and (?10 is null or exists (
    select 1 from identities where company = +?2 and kind = iif(instr(?10, '@') > 0, 'email', 'user') and key = +?10 and profile = +?11))
  and (?11 is null or ?10 is not null or exists (select 1 from profiles where company = +?2 and id = +?11 and erased_at is null))
  and (?17 is null or not exists (
    select 1 from json_each(?17) as w
    where w.value ->> 1 is not (
        select profile from identities where company = +?2 and kind = iif(instr(w.value ->> 0, '@') > 0, 'email', 'user') and key = w.value ->> 0)
      or w.value ->> 2 is not null and not exists (
        select 1 from profiles where company = +?2 and id = w.value ->> 1 and json_array_length(aliases) < w.value ->> 2
          and (w.value ->> 3 is null or json_array_length(aliases) = w.value ->> 3 and (email is not null) = w.value ->> 4))))
  and (?12 is null or not exists (select 1 from tombstones where company = +?2 and hash = +?12))
on conflict (company, source, message_id) do nothing
