-- Gives a company's move up, unless it is switched.
-- ?1 company, ?2 why
update moves set phase = 'aborting', place = '{"step":"revive"}', error = +?2
where company = +?1 and ended_at is null and phase in ('copying', 'frozen')
returning id
