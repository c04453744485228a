-- Takes back an identify that would pass a bound; all that follows in the batch asks for it. So
-- none costs more than others, whatever was stored before. ?5 address, ?6 request, ?7 events behind
-- the cut at most, ?8 identifies of a session at most, ?9 sessions of a person at most, or null
delete from events
where company = ?1 and source = 0 and message_id = ?4 and request = ?6 and (
  (select identifies from links where company = ?1 and session = ?2 order by at desc, id desc limit 1) >= ?8
  or ?9 <= (
    select p.sessions from identities as i cross join profiles as p on p.company = ?1 and p.id = i.profile
    where i.company = ?1 and i.kind = iif(instr(?5, '@') > 0, 'email', 'user') and i.key = ?5)
  or not exists (select 1 from links where company = ?1 and session = ?2 and at = 0 and id = '' and profile is null)
    and exists (
      select 1 from sides cross join events as e on e.company = ?1 and e.session = ?2 and e.ts >= sides.cut and e.ts < sides.until
      limit 1 offset cast(?7 + 1 as integer)))
returning case
  when (select identifies from links where company = ?1 and session = ?2 order by at desc, id desc limit 1) >= ?8 then 'session'
  when ?9 <= (
    select p.sessions from identities as i cross join profiles as p on p.company = ?1 and p.id = i.profile
    where i.company = ?1 and i.kind = iif(instr(?5, '@') > 0, 'email', 'user') and i.key = ?5) then 'person'
  else 'late' end as reason
