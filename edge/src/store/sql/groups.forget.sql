-- Removes the traits of groups that came from an erased person's events. The groups stay. Runs
-- before events.forget, while the memberships still exist.
update groups set
  claimed_traits = (select json_group_object(key, json(value)) from json_each(claimed_traits) where value ->> 1 not in (select message_id from doomed where source = 0)),
  trusted_traits = (select json_group_object(key, json(value)) from json_each(trusted_traits) where value ->> 1 not in (select message_id from doomed where source = 1))
where company = +?1
  and id in (select m.group_id from (select distinct session from doomed) as d cross join memberships as m on m.company = +?1 and m.session = d.session)
  and (exists (select 1 from json_each(claimed_traits) where value ->> 1 in (select message_id from doomed where source = 0))
       or exists (select 1 from json_each(trusted_traits) where value ->> 1 in (select message_id from doomed where source = 1)))
