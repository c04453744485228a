-- Has a person worked out again from their links, from the start if that is under way already.
-- ?1 company, ?2 profile, ?3 a profile and ?4 the revision that it must have, or null, ?5 now ms,
-- ?6 1 if the profile goes when nothing is left of it, or the message id of the identify without
-- which it does, ?7 message id of the event about it, ?8 whose rebuilding comes first, or null
insert into rebuilds (company, profile, began_at, touched_at, step, last_ts, session, at, id, found, vanish, waits_for, notice)
select ?1, id, ?5, ?5, 0, -9007199254740991, '', -1, '', '{}', iif(?6 = 1 or created_by_identify = ?6, 1, 0), ?8, ?7 from profiles
where company = ?1 and id = ?2 and erased_at is null
  and (?4 is null or exists (select 1 from profiles where company = ?1 and id = ?3 and revision = ?4))
on conflict (company, profile) do update set
  began_at = excluded.began_at, step = step + 1, last_ts = excluded.last_ts, session = '', at = -1, id = '', found = '{}',
  vanish = max(vanish, excluded.vanish), waits_for = coalesce(excluded.waits_for, waits_for), notice = excluded.notice
