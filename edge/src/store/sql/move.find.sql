-- The last move of a company.
-- ?1 company
from moves where company = +?1 order by id desc limit 1
