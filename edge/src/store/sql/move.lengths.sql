-- A page of a table in the order of its key: the length of each row. `store/backup.rs` fills in the
-- table, its row, its key and the place.
-- ?1 after this key, a JSON array, ?2 to this company, ?3 most rows
select cast(octet_length({row}) as text) as row, json_array({key}) as place, count(*) over () as found
from {table} where ({key}) > ({place}) and {company} <= ?2
order by {key} limit +?3
