-- How a company has its pages' identifies proved, and what with. ?1 company
select verification, identity_secret from companies where id = ?1
