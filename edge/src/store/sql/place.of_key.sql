-- The company of a key, and its cell.
-- ?1 hash of the key
select k.company, coalesce((select cell from places where company = k.company), 'DB') as cell
from (select company from keys where hash = +?1 union all select company from key_places where hash = +?1) as k limit 1
