-- The profile into which another one was merged.
-- ?1 company, ?2 loser
select m.winner, p.merged_into as root from merges as m cross join profiles as p on p.company = +?1 and p.id = m.loser where m.company = +?1 and m.loser = +?2
