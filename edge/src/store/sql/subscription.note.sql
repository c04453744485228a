-- Notes an attempt on its subscription, if delivery.settle just before it in the batch took effect. A subscription is switched off when its receiver
-- says it is gone, or when its deliveries have been given up ?7 times in a row and for ?8 ms.
-- ?1 company, ?2 id, ?3 state of the delivery, ?4 status, ?5 error, ?6 now ms, ?7 failures, ?8 ms
update subscriptions set
  last_status = ?4, last_error = ?5, last_at = ?6,
  success = success + (?3 = 'delivered'),
  failed = failed + (?3 in ('exhausted', 'failed_permanent')),
  failures = case ?3 when 'delivered' then 0 when 'pending' then failures else failures + 1 end,
  failing_since = case ?3 when 'delivered' then null when 'pending' then failing_since else coalesce(failing_since, ?6) end,
  disabled_reason = case
    when active = 0 then disabled_reason
    when ?4 = 410 then 'the receiver answered 410: it is gone'
    when ?3 in ('exhausted', 'failed_permanent') and failures + 1 >= ?7 and ?6 - coalesce(failing_since, ?6) >= ?8
      then 'its deliveries failed ' || cast(failures + 1 as text) || ' times in a row' end,
  active = active and ?4 is not 410
    and not (?3 in ('exhausted', 'failed_permanent') and failures + 1 >= ?7 and ?6 - coalesce(failing_since, ?6) >= ?8)
where company = ?1 and id = ?2 and changes() > 0
returning active, failures, disabled_reason
