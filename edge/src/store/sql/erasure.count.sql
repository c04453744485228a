-- Adds what the statement before it in the batch has deleted to the receipt. ?1 company, ?2
-- profile, ?3 what it was
update erasures set counts = json_set(counts, '$.' || ?3, coalesce(counts ->> ('$.' || ?3), 0) + changes()) where company = ?1 and profile = ?2
