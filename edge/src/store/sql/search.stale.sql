-- The people who changed since the last search, in the order of ids, and the text of each. It ends
-- with the person whose text reaches ?4 bytes.
-- ?1 company, ?2 after this id, ?3 most people, ?4 bytes
select id, text from (
  select id, text, sum(octet_length(text)) over (order by id rows unbounded preceding) - octet_length(text) as before from (
    select p.id,
