-- What is read of a person, as `store::people::Profile`: of the profile p and its company c. What every statement that reads people begins with, or goes on with.
select p.id, p.email, p.name, p.traits, p.server_session, p.created_at, p.registered_at, p.registered_id, p.last_ts, p.events,
       p.server_events, p.sessions, p.revenue, p.erased_at, c.revenue_events,
       p.said, p.opt_ins, p.consent, p.consent_at, p.consent_source, p.said_at, p.updated_at, p.edit, p.aliases, p.own,
       (select json_group_object(name, applied_at) from tags where company = p.company and profile = p.id) as tags,
       (select json_group_object(name, value) from fields where company = p.company and profile = p.id) as fields,
       iif(exists (select 1 from links indexed by links_with_records where company = p.company and profile = p.id and has_records = 1), (
        with owned as materialized (
          select l.session,
                 case when exists (select 1 from links as e where e.company = l.company and e.session = l.session and (e.at, e.id) < (l.at, l.id))
                      then l.at else -1 end as since,
                 coalesce((select min(n.at) from links as n
                           where n.company = l.company and n.session = l.session and (n.at, n.id) > (l.at, l.id)), 9007199254740991) as until
          from links as l indexed by links_with_records where l.company = p.company and l.profile = p.id and l.has_records = 1)
        select json_object(
          'messages', count(*) filter (where r.kind = 'message'), 'comments', count(*) filter (where r.kind = 'comment'),
          'stories', count(*) filter (where r.kind = 'story'), 'interacted', max(r.last_ts) filter (where r.kind in ('message', 'comment', 'story')),
          'bookings', count(*) filter (where r.kind = 'booking'), 'booked', max(r.first_ts) filter (where r.kind = 'booking'),
          'scans', coalesce(sum(r.scans), 0), 'conversations', count(*) filter (where r.kind = 'conversation'))
        from owned as o cross join records as r indexed by records_by_session
          on r.company = p.company and r.session = o.session and r.kind in ('booking', 'comment', 'conversation', 'message', 'qr', 'story')
          and r.placed_ts >= o.since and r.placed_ts < o.until), '{}') as counts
