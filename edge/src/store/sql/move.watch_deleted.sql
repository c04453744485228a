-- From here on, notes the rows that are deleted. `store/moving.rs` fills in the table, its key and
-- the company.
create trigger if not exists moving_{table}_deleted after delete on {table} when old.{company} = '{id}'
begin
  insert into changes (name, key) values ('{table}', json_array({old_key}));
end
