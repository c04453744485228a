-- Subscriptions of every company whose held deliveries are to be released at once. Companies take
-- turns in random order, so one with many deliveries is not first every time. A company that is not
-- in this cell has none.
-- ?1 limit
select company, id, "release", released_at from (
  select s.company, s.id, s.releasing as "release", s.released_at,
         row_number() over (partition by s.company order by random()) as turn
  from subscriptions as s indexed by subscriptions_releasing join companies as c on c.id = s.company
  where s.releasing is not null and s.active = 1 and c.webhooks_enabled = 1 and s.open_until is null
    and (s.rate_limit is null or s.releasing = 'dismiss') and not exists (select 1 from away where company = s.company))
order by turn, random() limit +?1
