-- Stores those operational events that subscription.note and delivery.settle, earlier in the batch,
-- made true.
-- ?1 company, ?2 JSON array of {i message id, t ts, n name, w subscription, d data, k delivery}, ?3
-- the settling's number, ?4 now ms
insert into events (company, source, message_id, session, ts, type, data, request, received_at)
select ?1, 1, j.value->>'i', '', j.value->>'t', j.value->>'n',
       json_set(j.value->'d', '$.failures', s.failures, '$.reason', s.disabled_reason), ?3, ?4
from json_each(?2) as j cross join subscriptions as s on s.company = +?1 and s.id = j.value->>'w'
where s.settle_marker = +?3 and (
  j.value->>'n' = 'webhook.' || s.transition
  or j.value->>'n' = 'webhook.exhausted' and exists (select 1 from deliveries where company = +?1 and subscription = s.id and id = j.value->>'k' and state = 'exhausted' and settle_marker = +?3))
on conflict (company, source, message_id) do nothing
