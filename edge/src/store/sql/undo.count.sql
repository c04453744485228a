-- Subtracts an undone identify from the number of identifies of its session. The number is on the
-- last link, without the one that is undone. Runs before undo.link.
-- ?1 company, ?2 session, ?3 message id, ?4 number, ?5 at
update links set identifies = (
  select max(identifies - 1, 1) from (
    select identifies from links where company = +?1 and session = +?2 order by at desc, id desc limit 1))
from (
  select at, id from links where company = +?1 and session = +?2 and not (at = +?5 and id = +?3) order by at desc, id desc limit 1) as last
where links.company = +?1 and links.session = +?2 and links.at = last.at and links.id = last.id
  and exists (select 1 from events where company = +?1 and source = 0 and message_id = +?3 and request = +?4 and session = '')
