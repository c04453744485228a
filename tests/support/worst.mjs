// The worst company that the limits allow, written straight into the database: everything that anybody may have stored before, at its size limit.
import { createHash } from 'node:crypto';
import { newCompany } from './people.mjs';

const numbers = (count) => `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})`;
const text = (bytes) => `printf('%.*c', ${bytes}, 'x')`;
/** A JSON object of so many members of so many bytes; of a record or a group, each with the event that told it. */
const members = (count, bytes, stamped = false) =>
  `(select json_group_object('f' || k.i, ${stamped ? `json_array(1, 'm', json_array(${text(bytes)}))` : text(bytes)}) from (${numbers(count)} select i from n) as k)`;

/** When the histories begin: ms. */
export const START_MS = Date.UTC(2025, 0, 1);
const TS = START_MS * 1000;
export const at = (second) => new Date(START_MS + second * 1000).toISOString();
const groupId = (key) => `grp_${createHash('sha256').update(`group:${key}`).digest('hex').slice(0, 24)}`;

export const SESSIONS = 9_400;
export const OVERLAPPING = 400;
export const WEBHOOKS = 100;
export const DEAD = 1050;

/** → the company, with {d1, profileId, otherId, group, subscription} */
export async function worstCompany(trackMate) {
  const c = await newCompany(trackMate);
  const d1 = await trackMate.d1();
  const run = (sql, ...more) => d1.prepare(sql).bind(c.companyId, ...more).run();
  const who = async (session, email) => (await c.identify(session, email, { timestamp: at(0) })).body.profileId;
  const profileId = await who('long', 'worst@example.com');
  const otherId = await who('other', 'other@example.com');
  const { id: subscription } = await c.subscribe('http://127.0.0.1:9/hook', ['none']);
  const links = (from, values) =>
    run(`${numbers(from)} insert into links (company, session, at, id, profile, events, first_ts, last_ts, identifies, has_records) select ?1, ${values} from n`);
  const events = (count, session, ts, more = "'seen', '{}'") =>
    run(`${numbers(count)} insert into events (company, source, message_id, session, ts, type, data, request, received_at) select ?1, 0, ${session} || '-' || i, ${session}, ${ts}, ${more}, 1, ${START_MS} from n`);

  // Sessions: many, short; many at the same time; long ones; one that was identified again and again; one that two identifies part.
  await links(SESSIONS, `'s' || i, ${TS} + i * 3600000000, 'm' || i, '${profileId}', 1, ${TS} + i * 3600000000, ${TS} + i * 3600000000, 1, 1`);
  await events(SESSIONS, "'s' || i", `${TS} + i * 3600000000`);
  await links(OVERLAPPING, `'o' || i, ${TS} + i, 'm', '${profileId}', 60, ${TS} + i, ${TS} + i + 60000000, 1, 0`);
  await events(OVERLAPPING * 60, "'o' || (1 + i % 400)", `${TS} + 1 + i % 400 + (i / 400) * 1000000`);
  await events(20_000, "'long'", `${TS} + i * 1000000`);
  await events(20_000, "'passing'", `${TS} + i * 1000000`);
  await links(1, `'passing', 0, '', null, 20000, ${TS}, ${TS} + 20000000000, 0, 0`);
  await links(499, `'often', ${TS} + i * 1000000, 'm' || i, '${profileId}', 1, ${TS} + i * 1000000, ${TS} + i * 1000000, i, 0`);
  await links(1, `'late', ${TS}, 'm', '${profileId}', 300, ${TS}, ${TS} + 300000000, 1, 0`);
  await events(299, "'late'", `${TS} + i * 1000000`);
  await run(`update links set events = 20001, last_ts = ${TS} + 20000000000 where company = ?1 and session = 'long'`);

  // The person.
  for (const name of ['a', 'b']) await run(`${numbers(40)} insert into identities (company, kind, key, profile, created_at) select ?1, 'user', '${name}' || i, ?2, 1 from n`, name === 'a' ? profileId : otherId);
  await run(`update profiles set traits = ${members(250, 110)}, trusted_traits = ${members(240, 110)}, aliases = (select json_group_array('a' || i) from (${numbers(40)} select i from n)),
    sessions = ${SESSIONS + OVERLAPPING + 3}, events = 60000, max_link_span = 20000000000, last_ts = ${TS} + ${SESSIONS} * 3600000000 where company = ?1 and id = ?2`, profileId);
  await run(`${numbers(100)} insert into tags (company, profile, name, applied_at) select ?1, ?2, printf('%04d', i) || ${text(90)}, 1 from n`, profileId);
  await run(`${numbers(100)} insert into fields (company, profile, name, value) select ?1, ?2, printf('%04d', i) || ${text(90)}, '"' || ${text(998)} || '"' from n`, profileId);
  await run(`${numbers(300)} insert into profiles (company, id, email, traits, server_session, created_at, registered_at, registered_id) select ?1, 'p' || i, 'p' || i || '@example.com', ${members(250, 110)}, 'webhook_p' || i, 1, 1, 'm' from n`);
  await run(`${numbers(40)} insert into records (company, kind, id, session, placed_ts, placed_id, first_ts, last_ts, scans, fields)
    select ?1, 'booking', 'r' || i, 's1', ${TS} + 3600000000 + i, 'm', i, i, 0, ${members(90, 8000, true)} from n`);
  await run(`${numbers(1000)} insert into records (company, kind, id, session, placed_ts, placed_id, first_ts, last_ts, scans, fields)
    select ?1, 'message', 'r' || i, 's2', ${TS} + 7200000000 + i, 'm', i, i, 0, '{}' from n`);

  // Groups: 50 that a page's request can name, and 950 more; one has every session for a member, and one session has all the memberships it may.
  const keys = JSON.stringify(Array.from({ length: 1000 }, (_, n) => [groupId(`g${n}`), `g${n}`]));
  await run(`insert into groups (company, id, kind, key, first_ts, claimed_traits, trusted_traits, of_pages)
    select ?1, value ->> 0, 'group', value ->> 1, 1, ${members(90, 500, true)}, ${members(90, 500, true)}, 0 from json_each(?2)`, keys);
  await run(`${numbers(SESSIONS)} insert into memberships (company, session, group_id, ts) select ?1, 's' || i, ?2, ${TS} + i * 3600000000 from n`, groupId('g0'));
  await run(`insert into memberships (company, session, group_id, ts) select ?1, 'long', value ->> 0, ${TS} from json_each(?2) limit 200`, keys);

  // Webhooks that want everything, after a hundred patterns; what they failed to deliver; what nobody will.
  await run(`${numbers(WEBHOOKS - 1)} insert into subscriptions (company, id, name, url, events, secret, active, retry_attempts, retry_delay_s, timeout_ms, created_at)
    select ?1, 'wh_' || i, 'Worst', url, (select json_group_array(case k.i when 100 then '*' else k.i || ${text(190)} end) from (${numbers(100)} select i from n) as k), secret, 0, 3, 60, 1000, 1
    from n cross join (select url, secret from subscriptions where company = ?1 and id = ?2)`, subscription);
  await run(`${numbers(60)} insert into deliveries (company, id, subscription, source, message_id, event, state, attempts, due_at, body, created_at, attempt_at, attempt_url, attempt_success, attempt_response_body, attempt_duration_ms)
    select ?1, format('%012x%020x', ${START_MS}, i), ?2, 0, 'long-1', 'seen', 'exhausted', 40, 1, '{"t":"' || ${text(60_000)} || '"}', ${START_MS}, 1, 'https://crm.example/hook', 0, ${text(16_384)}, 1 from n`, subscription);
  await run(`${numbers(60)}, k (j) as (select 1 union all select j + 1 from k where j < 39) insert into attempts (company, delivery, attempt, at, url, success, response_body, duration_ms)
    select ?1, format('%012x%020x', ${START_MS}, i), j, 1, 'https://crm.example/hook', 0, ${text(16_384)}, 1 from n cross join k`);
  await run(`${numbers(DEAD)} insert into deliveries (company, id, subscription, source, message_id, event, state, due_at, created_at) select ?1, format('%012x%020x', 1, i), 'wh_deleted', 0, 'm' || i, 'e', 'pending', 1, 1 from n`);

  // What else a company gathers.
  for (const source of [0, 1]) await run(`${numbers(500)} insert into catalog (company, name, seen, last_at, source) select ?1, printf('%d-%04d', ${source}, i) || ${text(194)}, 0, 1, ${source} from n`);
  await events(2000, "'nobody'", `${TS} + i`, `'large' || i, '{"t":"' || ${text(31_000)} || '"}'`);
  await run(`${numbers(5000)} insert into incoming (company, ring, place, seq, at, source, outcome, type, code, message, data)
    select ?1, 1, i, i, 1, 0, 'rejected', 'seen', 'invalid_field', ${text(200)}, '{}' from n`);
  await run(`${numbers(2000)} insert into audit (company, id, at, actor, action, request, outcome) select ?1, printf('aud_%05d', i), 1, 'admin', 'settings.update', 'r', 'ok' from n`);
  await run(`${numbers(500)} insert into exports (company, id, key_id, key_prefix, kind, format, filters, snapshot, state, marks, request, started_at, touched_at)
    select ?1, printf('exp_%04d', i), 'k', 'k', 'users', 'csv', '{"search":"' || ${text(20_000)} || '"}', 1, 'complete', '[]', 'r', 1, 1 from n`);
  return { ...c, d1, profileId, otherId, subscription, group: groupId('g0') };
}
