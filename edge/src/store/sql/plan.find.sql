-- ?1 company
select mode, plan, version, updated_at from plans where company = +?1
