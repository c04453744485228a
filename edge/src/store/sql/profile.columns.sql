-- The columns of a person, as `store::people::Profile`, from the profile p and its company c. Every
-- statement that reads people begins or continues with this.
select p.id, iif(p.email is null and p.trusted_data is not null, (
         select o.email from profiles as o indexed by profiles_merged
         where o.company = p.company and o.merged_into = p.id and o.email is not null order by o.id limit 1), p.email) as email,
       coalesce((select value from json_each(p.aliases) where instr(value, '@') = 0 limit 1), iif(p.trusted_data is null, null, (
         select a.value from profiles as o indexed by profiles_merged cross join json_each(o.aliases) as a
         where o.company = p.company and o.merged_into = p.id and instr(a.value, '@') = 0 order by o.id limit 1))) as external_id, p.name, p.traits, p.server_session, p.created_at, p.registered_at, p.registered_id, p.last_ts, p.events,
       p.server_events, p.sessions, p.revenue, p.erased_at, c.revenue_events,
       p.trusted_traits, p.opt_ins, p.consent, p.consent_at, p.consent_source, p.trusted_at, p.updated_at, p.revision, p.aliases, p.trusted_data,
       (select json_group_object(name, applied_at) from tags where company = p.company and profile = p.id) as tags,
       (select json_group_object(name, value) from fields where company = p.company and profile = p.id) as fields,
       iif(exists (select 1 from links indexed by links_with_records where company = p.company and profile = p.id and has_records = 1), (
        with owned as materialized (
          select l.session,
                 case when exists (select 1 from links as e where e.company = l.company and e.session = l.session and (e.at, e.id) < (l.at, l.id))
                      then l.at else -1 end as since,
                 coalesce((select min(n.at) from links as n
                           where n.company = l.company and n.session = l.session and (n.at, n.id) > (l.at, l.id)), 9007199254740991) as until
          from links as l indexed by links_with_records where l.company = p.company and l.profile = p.id and l.has_records = 1
            and exists (select 1 from records as r indexed by records_by_session where r.company = l.company and r.session = l.session))
        select json_object(
          'messages', count(*) filter (where r.kind = 'message'), 'comments', count(*) filter (where r.kind = 'comment'),
          'stories', count(*) filter (where r.kind = 'story'), 'interacted', max(r.last_ts) filter (where r.kind in ('message', 'comment', 'story')),
          'bookings', count(*) filter (where r.kind = 'booking'), 'booked', max(r.first_ts) filter (where r.kind = 'booking'),
          'scans', coalesce(sum(r.scans), 0), 'conversations', count(*) filter (where r.kind = 'conversation'))
        from owned as o cross join records as r indexed by records_by_session
          on r.company = p.company and r.session = o.session and r.kind in ('booking', 'comment', 'conversation', 'message', 'qr', 'story')
          and r.placed_ts >= o.since and r.placed_ts < o.until), '{}') as counts
