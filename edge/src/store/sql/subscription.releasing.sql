-- Subscriptions of every company whose held deliveries are to move on. ?1 limit
select s.company, s.id, s.releasing as "release" from subscriptions as s join companies as c on c.id = s.company
where s.releasing is not null and s.active = 1 and c.webhooks_enabled = 1 order by s.company, s.id limit ?1
