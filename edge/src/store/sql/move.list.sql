-- Moves, the last one first.
-- ?1 before this id, ?2 most
from moves where id < ?1 order by id desc limit +?2
