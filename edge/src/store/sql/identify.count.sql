-- Counts a late identify on the last link of its session. An identify that is the last itself was
-- counted when it was written.
-- ?1 company, ?2 session, ?3 at, ?4 message id, ?5 marker
update links set identifies = identifies + 1
from (select at, id from links where company = +?1 and session = +?2 order by at desc, id desc limit 1) as last
where links.company = +?1 and links.session = +?2 and links.at = last.at and links.id = last.id and (last.at, last.id) > (?3, ?4)
  and exists (select 1 from events where company = +?1 and source = 0 and message_id = +?4 and request = +?5)
