-- … with their events and people, in any order. An entry that is not rejected has its data from its
-- event, and its owner from the links. Data of an erased person is not returned, even before it is
-- deleted.
select w.seq, w.at, w.source, w.outcome, w.code, w.message, w.field, w.message_id, w.type, iif(p.erased_at is null, w.data, null) as data, w.happened_at, w.session, w.profile, w.bot,
       substr(coalesce(p.trusted_traits ->> 'fullName', p.name), 1, 200) as name
from (
  select i.seq, i.at, i.source, i.outcome, i.code, i.message, i.field, i.message_id, i.type, i.company, e.bot,
         case when i.outcome = 'rejected' then i.data when length(e.data) <= ?3 then e.data end as data,
         iif(i.outcome = 'rejected', i.happened_at, e.ts / 1000) as happened_at,
         iif(i.outcome = 'rejected', i.session, nullif(e.session, '')) as session,
         iif(e.session = '', null, coalesce(
           (select json_array(profile) from links where company = +?1 and session = e.session and at <= e.ts order by at desc, id desc limit 1),
           (select json_array(profile) from links where company = +?1 and session = e.session order by at, id limit 1)) ->> 0) as profile
  from page as i left join events as e
    on i.outcome <> 'rejected' and e.company = i.company and e.source = iif(i.sent_by_server = 1, 0, i.source) and e.message_id = i.message_id
) as w
left join profiles as p on p.company = w.company and p.id = w.profile
