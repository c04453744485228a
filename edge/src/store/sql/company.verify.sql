-- The verification rule of a company, and its sealed secret.
-- ?1 company
select verification, identity_secret from companies where id = +?1
