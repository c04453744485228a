-- Says which version of its plan a company's events are held against. ?1 company, ?2 version, 0 for
-- none
update companies set plan = ?2 where id = ?1
