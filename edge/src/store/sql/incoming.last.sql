-- The last number given. ?1 company
select max(seq) as seq from incoming indexed by incoming_by_seq where company = ?1
