-- Ends the release of a subscription when no delivery is left to release. Deliveries that were
-- created while older ones were dismissed are released next.
-- ?1 company, ?2 id
update subscriptions set releasing = case when exists (
  select 1 from deliveries indexed by deliveries_held where company = +?1 and subscription = +?2 and state = 'held') then 'deliver' end
where company = +?1 and id = +?2 and not exists (
  select 1 from deliveries indexed by deliveries_held where company = +?1 and subscription = +?2 and state = 'held'
    and (subscriptions.releasing = 'deliver' or id < format('%012x', subscriptions.released_at)))
