-- Subscriptions of every company whose held deliveries are to move on at once. ?1 limit
select s.company, s.id, s.releasing as "release", s.released_at from subscriptions as s join companies as c on c.id = s.company
where s.releasing is not null and s.active = 1 and c.webhooks_enabled = 1 and s.open_until is null and (s.rate_limit is null or s.releasing = 'dismiss')
order by s.company, s.id limit ?1
