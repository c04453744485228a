-- Ends a restore. From here on the sweep works with what was restored.
-- ?1 how far its end is
delete from progress where job = 'restore' and coalesce(place ->> 'end', '') = +?1
