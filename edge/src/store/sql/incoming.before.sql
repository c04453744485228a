-- The newest entries before a place.
-- ?1 company, ?2 before seq, ?3 most bytes of data, ?4 limit, ?5 source or null, ?6 outcome or
-- null, ?7 type or null, ?8 code or null
with page as materialized (
  select * from incoming indexed by incoming_by_seq
  where company = +?1 and seq < ?2 and (?5 is null or source = +?5) and (?6 is null or outcome = +?6) and (?7 is null or type = +?7) and (?8 is null or code = +?8)
  order by seq desc limit +?4
)
