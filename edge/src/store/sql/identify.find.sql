-- The answer to an identify, if the message id belongs to this identify. `shown` is the address's id
-- in public answers; for an unknown address it is the fresh id. `profile` is the person's profile,
-- if there is one. An erased address has only `shown`, so a stranger sees no difference. A server's
-- claim of an erased address leaves no event behind. An undone claim finds nothing: undo.event
-- empties its event, but leaves the request.
-- ?1 company, ?2 identity key, ?3 message id, ?4 its hash, ?5 identify hash, ?6 fresh id
select coalesce(i.public_id, i.origin, i.profile, t.public_id, t.profile, ?6) as shown,
       iif(exists (select 1 from links where company = +?1 and session = e.session and at = e.ts and id = +?3 and profile = i.profile), i.profile, null) as profile
from events as e
left join identities as i on i.company = +?1 and i.kind = iif(instr(?2, '@') > 0, 'email', 'user') and i.key = +?2
left join tombstones as t on t.company = +?1 and t.hash = +?4
where e.company = +?1 and e.source = 0 and e.message_id = +?3 and e.identify_hash = +?5 and (e.session <> '' or e.request = 0)
union all
select coalesce(public_id, profile), null from tombstones
where company = +?1 and hash = +?4 and not exists (select 1 from events where company = +?1 and source = 0 and message_id = +?3)
