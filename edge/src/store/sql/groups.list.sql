-- A page of groups in the order of kind and key. ?1 company, ?3 kind or null, ?4 key or null, ?5 text that name or key contains, in lower case, or null, ?6 ?7 after
-- this kind and key or null, ?8 limit
from (
  select * from groups indexed by groups_by_key
  where company = ?1 and (kind, key) > (coalesce(?6, ''), coalesce(?7, ''))
    and (?3 is null or kind = ?3) and (?4 is null or key = ?4)
    and (?5 is null or instr(lower(key), ?5) > 0 or instr(lower(name), ?5) > 0)
  order by kind, key limit ?8
) as g
order by g.kind, g.key
