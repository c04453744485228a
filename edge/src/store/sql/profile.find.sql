-- A profile, or the one it was merged into. ?1 company, ?2 profile
from profiles as p join companies as c on c.id = p.company
where p.company = ?1 and p.id = (select coalesce(merged_into, id) from profiles where company = ?1 and id = ?2)
