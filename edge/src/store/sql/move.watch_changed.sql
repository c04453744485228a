-- From here on, notes the rows that are changed. `store/moving.rs` fills in the table, its key and
-- the company.
create trigger if not exists moving_{table}_changed after update on {table} when old.{company} = '{id}'
begin
  insert into changes (name, key)
  select '{table}', json_array({old_key}) union select '{table}', json_array({new_key});
end
