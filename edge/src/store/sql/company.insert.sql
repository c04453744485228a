-- ?1 id, ?2 name, ?3 revenue events JSON, ?4 now ms
insert into companies (id, name, revenue_events, created_at) values (?1, ?2, ?3, ?4) on conflict (id) do nothing
