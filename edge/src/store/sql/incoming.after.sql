-- The oldest entries after a place.
-- ?1 company, ?2 after seq, ?3 most bytes of data, ?4 limit
with page as materialized (
  select * from incoming indexed by incoming_by_seq where company = +?1 and seq > ?2 order by seq limit +?4
)
