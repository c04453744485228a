-- Sets the state of a cell.
-- ?1 cell, ?2 state
update cells set state = +?2 where cell = +?1
