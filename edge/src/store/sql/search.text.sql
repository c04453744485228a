-- The names and addresses of the profile `p`, as text, and of those merged into it.
-- ?1 company
(select concat_ws(' ', coalesce(m ->> 'fullName', p.name, m ->> 'name'), m ->> 'firstName', m ->> 'lastName', p.email,
                  m ->> 'instagramUsername', m ->> 'phone', p.aliases,
                  (select group_concat(coalesce(email, '') || ' ' || aliases, ' ') from profiles as o indexed by profiles_merged where o.company = +?1 and o.merged_into = p.id))
 from (select json_patch(p.traits, p.trusted_traits) as m))
