-- Stores only the message id of a browser's identify of an erased address, in an empty row like
-- that of an undone identify. So a repeat gets the same answer as for any other address.
-- ?1 company, ?2 message id, ?3 at, ?4 hash of the identity key, ?5 identify hash, ?6 origin and the
-- patterns that it matches, ?7 1 without proof, or null, ?8 now ms
insert into events (company, source, message_id, session, ts, type, data, request, received_at, identify_hash)
select ?1, 0, ?2, '', ?3, 'identify.undone', '{}', 0, ?8, ?5
from tombstones as t cross join companies as c on c.id = t.company
where t.company = +?1 and t.hash = +?4 and (?7 is null or c.verification < 2)
  and (?6 is null or c.allowed_origins is null or exists (select 1 from json_each(c.allowed_origins) as o where instr(?6, char(10) || o.value || char(10)) > 0))
on conflict (company, source, message_id) do nothing
returning message_id
