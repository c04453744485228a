// The floor: the barest Worker that stores the same rows with the same statements. It checks nothing and answers with a count.
// Which statements it runs, in one batch, comes with the binding STATEMENTS: [[sql, names of its parameters], …].
export default {
  async fetch(request, env) {
    const { company_id: company, sessionId: session, events } = await request.json();
    const rows = events.map(({ messageId, timestamp, eventType, eventData }, place) => {
      const ms = Date.parse(timestamp);
      return { i: messageId, t: ms * 1000 + 500 + place, n: eventType, d: eventData, o: ms };
    });
    // What is not here (origin, context, …) is null, as it is for TrackMate when a request does not bring it.
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
      timeout: 20_000,
      events: 12,
    };
    const batch = env.STATEMENTS.map(([sql, names]) => env.DB.prepare(sql).bind(...names.map((name) => values[name] ?? null)));
    await env.DB.batch(batch);
    return Response.json({ success: true, accepted: rows.length });
  },
};
