-- The rows of a table with these keys, in their order; null for a row that is not there. They end
-- with the row that reaches ?2 bytes. `store/moving.rs` fills in the table, its row and its key.
-- ?1 JSON array of keys, each the text of a JSON array, ?2 bytes
select row, place, 0 as found from (
  select number, row, place, sum(octet_length(row)) over (order by number rows unbounded preceding) - octet_length(row) as before
  from (
    select k.key as number, k.value as place,
      (select {row} from {table} where {is_key}) as row
    from json_each(?1) as k))
where before is null or before < ?2
order by number
