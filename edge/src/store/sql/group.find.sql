-- One group. ?1 company, ?3 its id
from groups as g where g.company = +?1 and g.id = +?3
