-- The end of search.stale, from the text on.
    as text from profiles as p
    where p.company = +?1 and p.id > ?2 and p.searched = 0 and p.erased_at is null and p.merged_into is null order by p.id limit +?3))
where before < ?4
order by id
