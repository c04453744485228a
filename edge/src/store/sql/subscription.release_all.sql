-- Releases held deliveries of all active subscriptions: the company's webhooks are on again, or an
-- erasure is complete.
-- ?1 company
update subscriptions set releasing = coalesce(releasing, 'deliver') where company = +?1 and active = 1
  and exists (select 1 from deliveries as d indexed by deliveries_held where d.company = +?1 and d.subscription = subscriptions.id and d.state = 'held')
