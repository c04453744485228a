-- What is read of a person, as `store::people::Profile`: of the profile p and its company c. What every statement that reads people begins with, or goes on with.
select p.id, p.email, p.name, p.traits, p.server_session, p.created_at, p.registered_at, p.registered_id, p.last_ts, p.events,
       p.server_events, p.sessions, p.revenue, p.erased_at, c.revenue_events,
       p.said, p.opt_ins, p.consent, p.consent_at, p.consent_source, p.said_at, p.updated_at, p.edit, p.aliases, p.own,
       (select json_group_object(name, applied_at) from tags where company = p.company and profile = p.id) as tags,
       (select json_group_object(name, value) from fields where company = p.company and profile = p.id) as fields
