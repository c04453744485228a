-- The cell of a company, null if there is no such company, and the company that moves.
-- ?1 company
select coalesce((select cell from places where company = +?1), (select 'DB' from companies where id = +?1)) as cell,
  (select company from moves where ended_at is null) as moving
