-- ?1 company, ?2 id
select id, key_id, key_prefix, kind, format, filters, fields, snapshot, after, state, rows, bytes, sha256, changed, last, marks, started_at, ended_at
from exports where company = +?1 and id = +?2
