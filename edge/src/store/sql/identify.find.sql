-- What a claim is answered, if its message id is this very claim's: `shown`, what the address is
-- called (of one that nothing is known of any more, the fresh id), and the profile, if there is
-- one. Of an erased address there is but the name, so that a stranger sees no difference; of a
-- server's claim of one not even the message id is kept. A claim that was taken back (undo.event:
-- empty, but with its request) finds nothing.
-- ?1 company, ?2 address, ?3 message id, ?4 hash of the address, ?5 claim, ?6 fresh id
select coalesce(i.public_id, i.origin, i.profile, t.public_id, t.profile, ?6) as shown,
       iif(exists (select 1 from links where company = ?1 and session = e.session and at = e.ts and id = ?3 and profile = i.profile), i.profile, null) as profile
from events as e
left join identities as i on i.company = ?1 and i.kind = iif(instr(?2, '@') > 0, 'email', 'user') and i.key = ?2
left join tombstones as t on t.company = ?1 and t.hash = ?4
where e.company = ?1 and e.source = 0 and e.message_id = ?3 and e.claim = ?5 and (e.session <> '' or e.request = 0)
union all
select coalesce(public_id, profile), null from tombstones
where company = ?1 and hash = ?4 and not exists (select 1 from events where company = ?1 and source = 0 and message_id = ?3)
