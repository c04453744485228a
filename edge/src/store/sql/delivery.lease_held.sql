-- Leases the oldest held deliveries of a subscription whose throttle slot has been taken by
-- subscription.take_slot, the statement before: the probe of an open circuit, or those of this
-- second. While the erasure of a person runs, only its platform event goes out. Deliveries of
-- events on the person's sessions wait until the erasure is complete.
-- ?1 company, ?2 subscription, ?3 lease end ms, ?4 most, ?5 held deliveries read
update deliveries set state = 'leased', generation = generation + 1, due_at = +?3
where changes() > 0 and company = +?1 and subscription = +?2 and id in (
  select d.id from subscriptions as s cross join (
    select company, id, source, message_id, profile from deliveries indexed by deliveries_held
    where company = +?1 and subscription = +?2 and state = 'held' order by id limit +?5) as d
  where s.company = +?1 and s.id = +?2 and (s.probe is null or d.id = s.probe)
    and not exists (
      select 1 from erasures as r indexed by erasures_open
      where r.company = d.company and r.completed_at is null and r.notice <> d.message_id
        and (r.profile = d.profile or exists (
          select 1 from events as e cross join links as l on l.company = e.company and l.session = e.session and +l.profile = r.profile
          where e.company = d.company and e.source = d.source and e.message_id = d.message_id)))
  order by d.id
  limit coalesce((select case when probe is not null then 1 when open_until is not null then 0 else min(coalesce(rate_limit, 0), ?4) end from subscriptions
                  where company = +?1 and id = +?2), 0)) -- a webhook that was deleted has none
