-- The number of events that events.insert stored. It directly follows that statement, and leaves
-- `changes()` as it is. The message ids of many events take longer to return than to store.
select changes() as stored
