// The prices: a Worker that does one operation of the runtime per request, selected by the path,
// and nothing of TrackMate's. What each costs beyond `nothing` is the cost of this machine's
// workerd, its simulated D1 and its simulated queue.
const select = (env) => env.DB.prepare('select id, name from companies where id = ?1').bind('none');
const things = {
  nothing: () => {},
  trip: (env) => select(env).all(),
  batch9: (env) => env.DB.batch(Array.from({ length: 9 }, () => select(env))),
  fetch: async (env) => (await fetch(env.RECEIVER, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })).text(),
  send: (env) => env.DELIVERIES.send('none', { contentType: 'text' }),
};

export default {
  async fetch(request, env) {
    await request.text();
    await things[new URL(request.url).pathname.slice(1)](env);
    return Response.json({ success: true });
  },
  queue: (batch) => batch.ackAll(),
};
