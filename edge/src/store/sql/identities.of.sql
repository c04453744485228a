-- What leads to a person. Reads the company's identities: an index by profile would cost each new person a row, and who erases can wait.
-- ?1 company, ?2 profile
select kind, key from identities where company = ?1 and profile = ?2
