-- Deletes an identify that would exceed a limit; all later statements of the batch check that it
-- exists. So no identify costs more than another, whatever is stored.
-- ?5 identity key, ?6 marker, ?7 most events after the identify, ?8 most identifies of a session,
-- ?9 most sessions of a person, or null
delete from events
where company = +?1 and source = 0 and message_id = +?4 and request = +?6 and (
  (select identifies from links where company = +?1 and session = +?2 order by at desc, id desc limit 1) >= ?8
  or ?9 <= (
    select p.sessions from identities as i cross join profiles as p on p.company = +?1 and p.id = i.profile
    where i.company = +?1 and i.kind = iif(instr(?5, '@') > 0, 'email', 'user') and i.key = +?5)
  or not exists (select 1 from links where company = +?1 and session = +?2 and at = 0 and id = '' and profile is null)
    and exists (
      select 1 from sides cross join events as e on e.company = +?1 and e.session = +?2 and e.ts >= sides.cut and e.ts < sides.until
      limit 1 offset cast(?7 + 1 as integer)))
returning case
  when (select identifies from links where company = +?1 and session = +?2 order by at desc, id desc limit 1) >= ?8 then 'session'
  when ?9 <= (
    select p.sessions from identities as i cross join profiles as p on p.company = +?1 and p.id = i.profile
    where i.company = +?1 and i.kind = iif(instr(?5, '@') > 0, 'email', 'user') and i.key = +?5) then 'person'
  else 'late' end as reason
