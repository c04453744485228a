-- Opens the erasure of a person whom profile.erase, earlier in the batch, has erased. The search
-- for platform events begins when the first of the erased profiles was created by our clock. The id
-- of a server session has that time. `created_at` is a claim, and changes when an identify is
-- undone.
-- ?1 company, ?2 profile, ?3 revision, ?4 now ms, ?5 message id of the platform event, ?6 ms before
-- that, ?7 counts
insert into erasures (company, profile, erased_at, notice, place, counts)
select ?1, ?2, ?4, ?5, (
  select json_array((min(cast(substr(server_session, 9) as integer)) * 1000 - cast(?6 as integer)) * 1000, 0, '') from (
    select server_session from profiles where company = +?1 and id = +?2
    union all
    select server_session from profiles indexed by profiles_merged where company = +?1 and merged_into = +?2)
), ?7
where exists (select 1 from profiles where company = +?1 and id = +?2 and revision = +?3)
