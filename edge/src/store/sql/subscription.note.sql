-- Writes the results of the deliveries that delivery.settle, earlier in the batch, has settled: the
-- counters, the circuit (domain/circuit.rs has the rule), and whether to switch off. A subscription
-- is switched off if its receiver answers 410, or after too many consecutive given-up deliveries
-- over too long a time. Given-up deliveries of `webhook.*` events do not count for that: a
-- subscription to all events would make another one with each failure.
-- ?1 company, ?2 JSON array of delivery.settle, ?3 now ms, ?4 the settling's number, ?5 failed
-- attempts that open the circuit, ?6 ms of its first pause, ?7 ms of its longest
with ended as materialized (
  select d.subscription as sub, sum(d.state = 'delivered') as ok, sum(d.state in ('exhausted', 'failed_permanent')) as lost,
         sum(d.state in ('exhausted', 'failed_permanent') and d.event not like 'webhook.%') as missed,
         sum(d.state in ('pending', 'exhausted')) as bad, sum(d.state in ('delivered', 'failed_permanent')) as alive,
         sum(e.value->>'c' is 410) as gone, group_concat(d.id) as ids,
         max(e.value->>'a') as at, e.value->>'c' as status, e.value->>'e' as error
  from json_each(?2) as e cross join deliveries as d
    on d.company = +?1 and d.subscription = e.value->>'w' and d.id = e.value->>'i' and d.settle_marker = +?4
  group by d.subscription
)
update subscriptions set
  last_status = n.status, last_error = n.error, last_at = n.at, success = success + n.ok, failed = failed + n.lost,
  failures = case when n.ok > 0 then 0 else failures + n.missed end,
  failing_since = case when n.ok > 0 then null when n.missed > 0 then coalesce(failing_since, ?3) else failing_since end,
  trouble = case when n.alive > 0 then 0 when open_until is null then trouble + n.bad when instr(n.ids, probe) then trouble + 1 else trouble end,
  open_until = case
    when n.alive > 0 then null
    when open_until is null then case when trouble + n.bad >= ?5 then ?3 + ?6 end
    when instr(n.ids, probe) then ?3 + min(?7, ?6 * (1 << min(max(trouble + 1 - ?5, 0), 20)))
    else open_until end,
  probe = case when n.alive > 0 or instr(n.ids, probe) then null else probe end,
  releasing = case when n.alive > 0 and open_until is not null then coalesce(releasing, 'deliver') else releasing end,
  released_at = case when n.alive > 0 and open_until is not null and releasing is null then ?3 else released_at end,
  settle_marker = +?4,
  transition = case
    when active = 1 and (n.gone > 0 or n.ok = 0 and n.missed > 0 and disable_failures > 0 and failures + n.missed >= disable_failures
                         and ?3 - coalesce(failing_since, ?3) >= disable_ms) then 'disabled'
    when n.ok > 0 and failures > 0 then 'recovered'
    when n.ok = 0 and n.missed > 0 and failures = 0 then 'failing' end,
  disabled_reason = case
    when active = 0 then disabled_reason
    when n.gone > 0 then 'the receiver answered 410: it is gone'
    when n.ok = 0 and n.missed > 0 and disable_failures > 0 and failures + n.missed >= disable_failures and ?3 - coalesce(failing_since, ?3) >= disable_ms
      then 'its deliveries failed ' || cast(failures + n.missed as text) || ' times in a row' end,
  active = active = 1 and not (n.gone > 0 or n.ok = 0 and n.missed > 0 and disable_failures > 0 and failures + n.missed >= disable_failures
                               and ?3 - coalesce(failing_since, ?3) >= disable_ms)
from ended as n
where company = +?1 and id in (select sub from ended) and id = n.sub
returning id, open_until, coalesce(releasing = 'deliver' and released_at = +?3, 0) and rate_limit is null as "release"
