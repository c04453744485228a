-- How many users in a range of ids are not as they were at a snapshot, or may not be: said, claimed or erased since, or with an event of a later time.
-- ?1 company, ?2 snapshot ms, ?3 after this id, ?4 to this id or null
select count(*) as changed from profiles
where company = ?1 and id > ?3 and (?4 is null or id <= ?4) and created_at <= ?2
  and (updated_at > ?2 or erased_at > ?2 or last_ts >= (?2 + 1) * 1000)
