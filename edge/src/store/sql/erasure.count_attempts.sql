-- Adds the attempts of the deliveries of doomed events to the receipt. Runs before attempts.forget and
-- deliveries.forget.
update erasures set counts = json_set(counts, '$.attempts', coalesce(counts ->> '$.attempts', 0) + (select coalesce(sum(attempts), 0) from sent))
where company = +?1 and profile = +?3
