-- Opens the erasure of a person that profile.erase, before it in the batch, has erased. The search
-- for platform events begins where the first of those who are erased came to be by our clock, which
-- the name of a server session tells: their own times are claims, and change when an identify is
-- taken back. ?1 company, ?2 profile, ?3 revision, ?4 now ms, ?5 message id of the notice, ?6 ms
-- before that, ?7 counts
insert into erasures (company, profile, erased_at, notice, place, counts)
select ?1, ?2, ?4, ?5, (
  select json_array((min(cast(substr(server_session, 9) as integer)) * 1000 - cast(?6 as integer)) * 1000, 0, '') from (
    select server_session from profiles where company = ?1 and id = ?2
    union all
    select server_session from profiles indexed by profiles_merged where company = ?1 and merged_into = ?2)
), ?7
where exists (select 1 from profiles where company = ?1 and id = ?2 and revision = ?3)
