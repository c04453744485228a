-- All moves, the last one first.
-- ?1 before this id, or empty, ?2 most
from moves where ?1 = '' or id < ?1 order by id desc limit +?2
