-- Starts a rebuild, or starts it again if it is running.
-- ?1 company, ?2 profile, ?3 a profile and ?4 the revision that it must have, or null, ?5 now ms,
-- ?6 1 if the profile is deleted when nothing is left of it, else 0, or a message id: 1 if that
-- identify created the profile, ?7 message id of the platform event about the change, ?8 the
-- profile to rebuild first, or null
insert into rebuilds (company, profile, began_at, touched_at, step, last_ts, session, at, id, found, vanish, waits_for, notice)
select ?1, id, ?5, ?5, 0, -9007199254740991, '', -1, '', '{}', iif(?6 = 1 or created_by_identify = +?6, 1, 0), ?8, ?7 from profiles
where company = +?1 and id = +?2 and erased_at is null
  and (?4 is null or exists (select 1 from profiles where company = +?1 and id = +?3 and revision = +?4))
on conflict (company, profile) do update set
  began_at = excluded.began_at, step = step + 1, last_ts = excluded.last_ts, session = '', at = -1, id = '', found = '{}',
  vanish = max(vanish, excluded.vanish), waits_for = coalesce(excluded.waits_for, waits_for), notice = excluded.notice
