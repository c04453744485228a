-- How many rows the statement before has changed.
select null as row, '' as place, changes() as found
