-- A page of a table in the order of its key, as JSON. It ends with the row that reaches ?4 bytes.
-- `store/backup.rs` fills in the table, its row, its key and the place.
-- ?1 after this key, a JSON array, ?2 to this company, ?3 most rows, ?4 bytes
select {row} as row, json_array({key}) as place, page_rows as found
from (
  select {key}, count(*) over () as page_rows, sum(row_bytes) over (order by {key} rows unbounded preceding) - row_bytes as page_bytes from (
    select {key}, octet_length({row}) as row_bytes from {table}
    where ({key}) > ({place}) and {company} <= ?2 order by {key} limit +?3)
) as page cross join {table} using ({key})
where page_bytes < ?4
order by {key}
