-- A page of groups in the order of kind and key. It ends with the group that reaches ?9 bytes;
-- `found` is the number of rows without that limit.
-- ?1 company, ?3 kind or null, ?4 key or null, ?5 text that name or key contains, in lower case, or
-- null, ?6 ?7 after this kind and key or null, ?8 limit, ?9 bytes
, k.found
from (
  select id, count(*) over () as found, sum(bytes) over (order by kind, key rows unbounded preceding) - bytes as before from (
  select id, kind, key, octet_length(claimed_traits) + octet_length(trusted_traits) as bytes from groups indexed by groups_by_key
  where company = +?1 and (kind, key) > (coalesce(?6, ''), coalesce(?7, ''))
    and (?3 is null or kind = +?3) and (?4 is null or key = +?4)
    and (?5 is null or instr(lower(key), ?5) > 0 or instr(lower(name), ?5) > 0)
  order by kind, key limit +?8)
) as k
cross join groups as g on g.company = +?1 and g.id = k.id
where k.before < ?9
order by g.kind, g.key
