-- A delivery with what its payload and its sending need. ?1 company, ?2 id
select d.id, d.subscription, d.state, d.event, d.tries, d.generation, d.due_at, d.message_id, e.source, e.ts, e.session, e.data,
       s.url, s.headers, s.secret, s.old_secret, s.old_secret_until, s.preset, s.retry_attempts, s.retry_delay_s, s.timeout_ms, s.failures,
       s.active = 1 and c.webhooks_enabled = 1 as open,
       coalesce(
         (select json_object('profile', profile) from links
          where company = d.company and session = e.session and at <= e.ts order by at desc, id desc limit 1),
         (select json_object('profile', profile) from links where company = d.company and session = e.session order by at, id limit 1)
       ) ->> 'profile' as profile
from deliveries as d
join events as e on e.company = d.company and e.source = d.source and e.message_id = d.message_id
join subscriptions as s on s.company = d.company and s.id = d.subscription
join companies as c on c.id = d.company
where d.company = ?1 and d.id = ?2
