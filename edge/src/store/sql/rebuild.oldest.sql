-- Rebuilds of every company that wait for no other one, the one that waited longest first.
-- ?1 limit
select company, profile from rebuilds as r
where not exists (select 1 from rebuilds as w where w.company = r.company and w.profile = r.waits_for) order by touched_at limit +?1
