-- Deliveries of every company that are due or whose lease has run out, oldest first. ?1 now ms, ?2 limit
select company, id from deliveries
where state in ('pending', 'leased') and due_at <= ?1 order by due_at limit ?2
