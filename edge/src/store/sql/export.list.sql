-- A page of a company's exports, newest first. ?1 company, ?2 before this id, ?3 limit
select id, key_id, key_prefix, kind, format, filters, fields, snapshot, after, state, rows, bytes, sha256, changed, last, marks, started_at, ended_at
from exports where company = ?1 and id < ?2 order by id desc limit ?3
