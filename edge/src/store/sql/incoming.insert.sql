-- Logs items in one ring, in their order, up to the limit of a minute. An item that is not rejected
-- is logged only if its event is stored.
-- ?1 company, ?2 ring, ?3 JSON array of {o outcome, i message id, n type, c code, m message, f
-- field, d data, s session, t happened ms, w 1 if a server sent it for a browser's session}, ?4
-- source, ?5 now ms, ?6 most items of a minute
insert into incoming (company, ring, place, seq, at, source, outcome, message_id, type, code, message, field, data, session, happened_at, sent_by_server)
select c.id, ?2, n.place + j.key + 1, n.seq + j.key, ?5, ?4, j.value->>'o', j.value->>'i', j.value->>'n', j.value->>'c', j.value->>'m', j.value->>'f', j.value->'d',
       j.value->>'s', j.value->>'t', j.value->>'w'
from companies as c
cross join (
  select coalesce((select max(place) from incoming where company = +?1 and ring = +?2), 0) as place,
         max(cast(?5 as integer) * 1000, coalesce((select max(seq) from incoming indexed by incoming_by_seq where company = +?1), 0) + 1) as seq
) as n
cross join json_each(?3) as j
where c.id = +?1 and j.key < ?6
  and (?2 > 0 or exists (select 1 from events where company = +?1 and source = iif(j.value->>'w' = 1, 0, ?4) and message_id = j.value->>'i'))
  and not exists (select 1 from incoming where company = +?1 and ring = +?2 and place = n.place + j.key + 1 - ?6 and at > ?5 - 60000)
