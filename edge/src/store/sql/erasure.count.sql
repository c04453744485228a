-- Adds the number of rows that the previous statement deleted to the receipt.
-- ?1 company, ?2 profile, ?3 kind of the rows
update erasures set counts = json_set(counts, '$.' || ?3, coalesce(counts ->> ('$.' || ?3), 0) + changes()) where company = +?1 and profile = +?2
