-- Opens an erasure that deletes the platform events about a deleted profile.
-- ?1 company, ?2 profile, ?3 now ms, ?4 message id of the one that stays
insert into erasures (company, profile, erased_at, notice, place, counts)
select ?1, ?2, ?3, ?4, '[0,0,""]', '{}' where not exists (select 1 from profiles where company = +?1 and id = +?2)
on conflict (company, profile) do nothing
