-- ?1 company, ?2 profile, or the id of one of its addresses in public answers
select profile, erased_at, completed_at, counts from erasures where company = +?1 and profile = (select coalesce(merged_into, id) from profiles where company = +?1 and id = coalesce(
  (select profile from tombstones where company = +?1 and public_id = +?2), ?2))
