-- Follows events.insert in the same statement.
returning message_id
