-- A page of a company's exports, newest first. It ends with the export that reaches ?4 bytes;
-- `found` is the number of rows without that limit.
-- ?1 company, ?2 before this id, ?3 limit, ?4 bytes
select e.id, e.key_id, e.key_prefix, e.kind, e.format, e.filters, e.fields, e.snapshot, e.after, e.state, e.rows, e.bytes, e.sha256, e.changed, e.last, e.marks,
       e.started_at, e.ended_at, k.found
from (
  select id, count(*) over () as found, sum(size) over (order by id desc rows unbounded preceding) - size as before from (
    select id, octet_length(filters) + octet_length(marks) + coalesce(octet_length(fields), 0) + coalesce(octet_length(after), 0) + coalesce(octet_length(last), 0) as size
    from exports where company = +?1 and id < ?2 order by id desc limit +?3)
) as k
cross join exports as e on e.company = +?1 and e.id = k.id
where k.before < ?4
order by e.id desc
