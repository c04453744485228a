-- Sets trusted traits of a group for an admin. They count as later than all earlier ones, whatever
-- the clocks of their senders.
-- ?1 company, ?2 group, ?3 fields {name: [value]}, ?4 ts, ?5 stamp in place of a message id, ?6
-- most fields, ?7 most bytes
update groups set of_pages = 0, trusted_traits = (
  select json_group_object(key, json(value)) from (
    select key, value, row_number() over kept as place, sum(octet_length(key) + octet_length(value)) over kept as bytes from (
      select key, value from json_each(groups.trusted_traits) where key not in (select key from json_each(?3))
      union all
      select key, json_array(max(cast(?4 as integer), coalesce((select max(value->>0) + 1 from json_each(groups.trusted_traits)), 0)), ?5, json(value)) from json_each(?3)
    )
    window kept as (order by value->>0 desc, value->>1 desc, key rows unbounded preceding)
  ) where place <= ?6 and bytes <= ?7)
where company = +?1 and id = +?2
returning id
