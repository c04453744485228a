-- ?1 company, ?2 profile
from profiles as p join companies as c on c.id = p.company
where p.company = ?1 and p.id = ?2
