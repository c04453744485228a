-- The kinds of violation, the most frequent first.
-- ?1 company
select event, field, reason, seen, first_at, last_at from violations where company = +?1 order by seen desc, event, field, reason
