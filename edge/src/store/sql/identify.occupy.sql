-- Of a public identify of an erased address nothing is kept but its message id, in an empty row
-- like one that was taken back: so whatever a stranger sends next is answered as it is for any
-- other address. ?1 company, ?2 message id, ?3 at, ?4 hash of the address, ?5 claim, ?6 origin and
-- the patterns that it fits, ?7 1 without proof, ?8 now ms
insert into events (company, source, message_id, session, ts, type, data, request, received_at, claim)
select ?1, 0, ?2, '', ?3, 'identify.undone', '{}', 0, ?8, ?5
from tombstones as t cross join companies as c on c.id = t.company
where t.company = ?1 and t.hash = ?4 and (?7 is null or c.verification < 2)
  and (?6 is null or c.allowed_origins is null or exists (select 1 from json_each(c.allowed_origins) as o where instr(?6, char(10) || o.value || char(10)) > 0))
on conflict (company, source, message_id) do nothing
returning message_id
