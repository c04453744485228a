-- Whether a key still works. ?1 company, ?2 id
select 1 as live from keys indexed by keys_by_company where company = +?1 and id = +?2 and revoked_at is null
