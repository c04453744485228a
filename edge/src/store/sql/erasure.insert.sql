-- Opens the erasure of a person that profile.erase, before it in the batch, has erased.
-- ?1 company, ?2 profile, ?3 edit, ?4 now ms, ?5 message id of the notice, ?6 place, ?7 counts
insert into erasures (company, profile, erased_at, notice, place, counts)
select ?1, ?2, ?4, ?5, ?6, ?7
where exists (select 1 from profiles where company = ?1 and id = ?2 and edit = ?3)
