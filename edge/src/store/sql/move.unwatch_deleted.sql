-- Notes no more rows that are deleted. `store/moving.rs` fills in the table.
drop trigger if exists moving_{table}_deleted
