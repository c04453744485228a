-- Notes that a company is not in this cell.
-- ?1 company, ?2 state, ?3 now ms
insert into away (company, state, since) values (?1, ?2, ?3)
on conflict (company) do update set state = excluded.state, since = excluded.since where away.state <> excluded.state
