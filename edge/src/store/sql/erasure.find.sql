-- ?1 company, ?2 profile
select profile, erased_at, completed_at, counts from erasures where company = ?1 and profile = (select coalesce(merged_into, id) from profiles where company = ?1 and id = ?2)
