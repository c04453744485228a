-- ?1 company, ?2 mode, ?3 plan JSON or null for the one there is, ?4 version, ?5 now ms
insert into plans (company, mode, plan, version, updated_at) values (?1, ?2, coalesce(?3, '{}'), ?4, ?5)
on conflict (company) do update set mode = +?2, plan = coalesce(?3, plan), version = +?4, updated_at = +?5
