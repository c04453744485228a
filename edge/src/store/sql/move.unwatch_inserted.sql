-- Notes no more rows that are added. `store/moving.rs` fills in the table.
drop trigger if exists moving_{table}_inserted
