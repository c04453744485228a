-- Gives a company what its answers are sealed with, if it has none.
-- ?1 company, ?2 salt
update companies set answers_salt = +?2 where id = +?1 and answers_salt is null
