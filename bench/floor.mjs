// The floor: a minimal Worker that stores the same rows with the same statements. It checks nothing
// and answers with a count. The binding STATEMENTS lists the statements of its batch: [[sql, names
// of its parameters], …].
export default {
  async fetch(request, env) {
    const { company_id: company, sessionId: session, events } = await request.json();
    const rows = events.map(({ messageId, timestamp, eventType, eventData }, place) => {
      const ms = Date.parse(timestamp);
      return { i: messageId, t: ms * 1000 + 500 + place, n: eventType, d: eventData, o: ms };
    });
    // Other values (origin, context, …) are null, as in TrackMate for a request without them.
    const values = {
      rows: JSON.stringify(rows),
      ids: JSON.stringify(rows.map((row) => row.i)),
      company,
      session,
      source: 0,
      request: Math.floor(Math.random() * Number.MAX_SAFE_INTEGER),
      received: Date.now(),
      lease: Date.now() + 7000,
      busy: '[]',
      events: 12,
    };
    const batch = env.STATEMENTS.map(([sql, names]) => env.DB.prepare(sql).bind(...names.map((name) => values[name] ?? null)));
    await env.DB.batch(batch);
    return Response.json({ success: true, accepted: rows.length });
  },
};
