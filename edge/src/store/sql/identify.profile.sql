-- The person of a new link: creates the profile, or adds the counts of the link. Claims fill gaps
-- and overwrite nothing. This is also true of the time of registration, which is that of the first
-- identify to arrive. An address of a merged profile stays with that profile. Traits that would
-- exceed ?12 bytes or ?14 members do not change. Traits only grow, so their length shows whether
-- they changed.
-- ?1 company, ?2 session, ?3 at, ?4 message id, ?5 identity key, ?6 marker, ?7 e-mail as typed, ?8
-- name, ?9 traits, ?10 server session, ?11 created at ms, ?12 bytes, ?13 now ms, ?14 members
insert into profiles (company, id, email, name, traits, server_session, created_at, registered_at, registered_id, last_ts, max_link_span, events,
                      server_events, sessions, revenue, updated_at, created_by_identify, aliases)
select ?1, i.profile, iif(i.origin is null, ?7, null), ?8, ?9, ?10, ?11, ?3, ?4, l.last_ts, l.last_ts - l.first_ts, l.events, l.server_events, 1, l.revenue, ?13, ?4,
       iif(instr(?5, '@') > 0, '[]', json_array(?5))
from identities as i
cross join links as l on l.company = +?1 and l.session = +?2 and l.at = +?3 and l.id = +?4
where i.company = +?1 and i.kind = iif(instr(?5, '@') > 0, 'email', 'user') and i.key = +?5
  and exists (select 1 from events where company = +?1 and source = 0 and message_id = +?4 and request = +?6)
on conflict (company, id) do update set
  email = coalesce(email, excluded.email),
  (name, traits, updated_at, searched) = (
    with both as materialized (select json_patch(excluded.traits, profiles.traits) as traits),
    change as materialized (
      select traits, length(cast(traits as blob)) between length(cast(profiles.traits as blob)) + 1 and ?12
                     and (length(traits) - length(replace(traits, '":', ''))) / 2 <= ?14 as grew,
             excluded.name is not null and profiles.name is null as named
      from both)
    select coalesce(profiles.name, excluded.name), iif(grew, traits, profiles.traits), iif(grew or named, max(profiles.updated_at + 1, ?13), profiles.updated_at),
           profiles.searched and not (grew or named)
    from change),
  later_claims = iif(later_claims is null or length(cast(later_claims as blob)) > ?12, later_claims, json_patch(
    json_object('name', excluded.name, 'traits', json(excluded.traits), 'first', json_array(cast(?3 as integer), ?4)), later_claims)),
  registered_id = iif(registered_at is null, ?4, registered_id),
  registered_at = coalesce(registered_at, ?3),
  events = events + excluded.events,
  server_events = server_events + excluded.server_events,
  sessions = sessions + not exists (
    select 1 from links where company = +?1 and session = +?2 and +profile = excluded.id and not (at = +?3 and id = +?4)),
  last_ts = (select max(last_ts) from links where company = +?1 and profile = excluded.id),
  max_link_span = max(max_link_span, excluded.max_link_span),
  revenue = case when excluded.revenue is null then revenue else (
    select json_group_object(key, sum) from (
      select key, max(min(sum(value), 1000000000000000000), -1000000000000000000) as sum from (
        select key, value from json_each(profiles.revenue)
        union all select key, value from json_each(excluded.revenue)
      ) group by key having sum(value) <> 0
    )
  ) end
