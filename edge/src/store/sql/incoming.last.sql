-- The last number of the log.
-- ?1 company
select max(seq) as seq from incoming indexed by incoming_by_seq where company = +?1
