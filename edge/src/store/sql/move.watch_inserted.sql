-- From here on, notes the rows that are added. `store/moving.rs` fills in the table, its key and the
-- company.
create trigger if not exists moving_{table}_inserted after insert on {table} when new.{company} = '{id}'
begin
  insert into changes (name, key) values ('{table}', json_array({new_key}));
end
