-- Whether a merge block exists between one of some profiles and one of others.
-- ?1 company, ?2 and ?3 JSON arrays of profiles
select p.at from json_each(?2) as a cross join json_each(?3) as b
cross join merge_blocks as p on p.company = +?1 and p.one = min(a.value, b.value) and p.other = max(a.value, b.value)
limit 1
