-- A profile, or the one it was merged into. ?1 company, ?2 profile, or what public answers call one of its further addresses
from profiles as p join companies as c on c.id = p.company
where p.company = ?1 and p.id = (select coalesce(merged_into, id) from profiles where company = ?1 and id = coalesce(
    (select profile from identities where company = ?1 and public_id = ?2), (select profile from tombstones where company = ?1 and public_id = ?2), ?2))
