-- The first identify of an anonymous session: the session's row becomes the link and its counts
-- stay.
-- ?1 company, ?2 session, ?3 at, ?4 message id, ?5 identity key, ?6 marker
update links
set at = +?3, id = +?4,
    (profile, origin) = (select profile, origin from identities where company = +?1 and kind = iif(instr(?5, '@') > 0, 'email', 'user') and key = +?5),
    events = events + 1, first_ts = min(coalesce(first_ts, ?3), ?3), last_ts = max(coalesce(last_ts, ?3), ?3), sent_by_server = e.sent_by_server
from events as e
where links.company = +?1 and links.session = +?2 and at = 0 and id = '' and profile is null
  and e.company = +?1 and e.source = 0 and e.message_id = +?4 and e.request = +?6
