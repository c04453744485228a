// The floors of the ingest bench: the simplest Worker that does the work of `POST /api/events`, with
// SQL written by hand for that alone. It has no guards, limits or validation, and no answer for each
// event. With the binding PARTS = 'insert' it only stores the events.

/** Reads the company with its webhooks. ?1 company */
const READ = `
  select c.plan, s.id, s.url, s.headers, s.secret
  from companies as c left join subscriptions as s on s.company = c.id
  where c.id = +?1`;

/** Stores the new events. ?1 rows, ?2 company, ?3 session, ?4 marker of the request, ?5 now ms */
const INSERT = `
  insert into events (company, source, message_id, session, ts, type, data, request, original_at, received_at)
  select ?2, 0, value->>'i', ?3, value->>'t', value->>'n', value->'d', ?4, value->>'o', ?5
  from json_each(?1) where true
  on conflict (company, source, message_id) do nothing
  returning message_id`;

/**
 * Counts the new events on the links that own them: the latest at or before the event, else the
 * first, else the session's anonymous one.
 */
const COUNT = `
  insert into links (company, session, at, id, events, server_events, first_ts, last_ts)
  select ?2, ?3, k->>0, k->>1, count(*), 0, min(ts), max(ts)
  from (
    select e.ts, coalesce(
      (select json_array(at, id) from links where company = +?2 and session = +?3 and at <= e.ts order by at desc, id desc limit 1),
      (select json_array(at, id) from links where company = +?2 and session = +?3 order by at, id limit 1),
      '[0,""]') as k
    from json_each(?1) as j cross join events as e
      on e.company = +?2 and e.source = 0 and e.message_id = j.value->>'i' and e.request = +?4
  )
  where true
  group by k
  on conflict (company, session, at, id) do update set
    events = events + excluded.events,
    first_ts = min(first_ts, excluded.first_ts),
    last_ts = max(last_ts, excluded.last_ts)`;

/** Writes a delivery for each new event and webhook that subscribes to it. ?6 end of the lease, ms */
const OUTBOX = `
  insert into deliveries (company, id, subscription, source, message_id, event, profile, state, generation, due_at, created_at)
  select ?2, format('%012x', ?5) || lower(hex(randomblob(10))), s.id, 0, e.message_id, e.type,
    (select profile from links where company = +?2 and session = +?3 and at <= e.ts order by at desc, id desc limit 1),
    'leased', 1, ?6, ?5
  from subscriptions as s cross join json_each(?1) as j cross join events as e
    on e.company = +?2 and e.source = 0 and e.message_id = j.value->>'i' and e.request = +?4
  where s.company = +?2 and (instr(s.events, '"*"') > 0 or instr(s.events, json_quote(e.type)) > 0)
  returning id, subscription, message_id`;

const LEASE_MS = 7000;

export default {
  async fetch(request, env) {
    const { company_id: company, sessionId: session, events } = await request.json();
    const now = Date.now();
    const marker = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
    const rows = JSON.stringify(
      events.map(({ messageId, timestamp, eventType, eventData }, place) => {
        const ms = Date.parse(timestamp);
        return { i: messageId, t: ms * 1000 + 500 + place, n: eventType, d: eventData, o: ms };
      }),
    );
    const insert = env.DB.prepare(INSERT).bind(rows, company, session, marker, now);
    const batch = env.PARTS === 'insert' ? [insert] : [
      env.DB.prepare(READ).bind(company),
      insert,
      env.DB.prepare(COUNT).bind(rows, company, session, marker),
      env.DB.prepare(OUTBOX).bind(rows, company, session, marker, now, now + LEASE_MS),
    ];
    const answers = await env.DB.batch(batch);
    const [known, stored] = env.PARTS === 'insert' ? [[{}], answers[0].results] : [answers[0].results, answers[1].results];
    if (known.length === 0) return Response.json({ success: false, code: 'unknown_company' }, { status: 404 });
    return Response.json({ success: true, accepted: stored.length, duplicates: events.length - stored.length });
  },
};
