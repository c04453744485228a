-- Erasures of every company that are not through. ?1 limit
select company, profile from erasures indexed by erasures_open where completed_at is null limit ?1
