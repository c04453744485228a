-- The data that a server's event needs: the key with its company, the version of the tracking plan
-- in force, and the profile to which each identifier leads. For a merged profile this is the one
-- into which it was merged, with the server session of the merged one.
-- ?1 key hash, ?2 address or null, ?3 profile, or the id of an address in public answers, or null,
-- ?4 session or null, ?5 ts, ?6 now ms
select k.company, k.hash, k.id, k.scope, k.last_used_at, k.revoked_at, k.plan,
       coalesce(by_id.merged_into, by_id.id) as user_id, by_id.server_session as user_session, by_id.erased_at,
       i.profile as email_id, by_email.server_session as email_session,
       coalesce(
         (select json_object('profile', profile) from links
          where company = k.company and session = +?4 and at <= ?5 order by at desc, links.id desc limit 1),
         (select json_object('profile', profile) from links
          where company = k.company and session = +?4 order by at, links.id limit 1)
       ) ->> 'profile' as session_id,
       (select watched_until > ?6 from companies where id = k.company) as watched
from keys as k
left join profiles as by_id on by_id.company = k.company and by_id.id = coalesce(
  (select profile from identities where company = k.company and public_id = +?3), (select profile from tombstones where company = k.company and public_id = +?3), ?3)
left join identities as i on i.company = k.company and i.kind = iif(instr(?2, '@') > 0, 'email', 'user') and i.key = +?2
left join profiles as by_email on by_email.company = k.company and by_email.id = coalesce(i.origin, i.profile)
where k.hash = +?1
