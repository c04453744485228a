-- Notes no more rows that are changed. `store/moving.rs` fills in the table.
drop trigger if exists moving_{table}_changed
