// Reads what was taken, wherever it is shown, by HTTP: every list, file and figure, some people and events one by one. All must answer, with whole JSON, and say
// the same of each event as it was sent with.
import { isSame } from './taken.mjs';

/** The rows of a CSV file, as RFC 4180 parts them. */
export function rowsOf(csv) {
  const rows = [[]];
  for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r\n|$)/g)) {
    rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '\r\n') rows.push([]);
    if (end === '') break;
  }
  return rows.slice(0, -1);
}

/** `taken` are the events that must be there. → {events, users}: all that there are, as exported. */
export async function readAll({ url, c, taken, finding }) {
  const read = async (path, method = 'GET', body = undefined) => {
    const response = await fetch(`${url}/api/admin/${path}`, { method, body, headers: c.admin });
    let text;
    try {
      text = await response.text();
    } catch (error) {
      return finding(`reading ${path}: broken off, ${error.message}`);
    }
    if (response.status !== 200) finding(`reading ${path}: ${response.status} ${text.slice(0, 300)}`);
    if (/\\u[dD][89a-fA-F]/.test(text.replaceAll(/\\u[dD][89abAB]..\\u[dD][c-fC-F]../g, ''))) finding(`reading ${path}: half of a pair`);
    if (path.includes('csv') && text.includes('\0')) finding(`reading ${path}: a NUL`);
    try {
      return path.includes('/csv') ? rowsOf(text) : path.includes('/ndjson') ? text.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line)) : JSON.parse(text);
    } catch (error) {
      return finding(`reading ${path}: ${error.message}`);
    }
  };

  const all = {};
  for (const kind of ['users', 'events']) {
    const lines = (await read(`export/${kind}/ndjson`)) ?? [];
    const whole = (await read(`export/${kind}/json`))?.[kind] ?? [];
    const [titles = [], ...rows] = (await read(`export/${kind}/csv`)) ?? [];
    if (!isSame(lines, whole)) finding(`the ${kind} as JSON and as NDJSON are not the same`);
    // What a spreadsheet would run has an apostrophe before it.
    const bare = (id) => id.replace(/^'/, '');
    const id = kind === 'users' ? 'id' : 'messageId';
    if (!isSame(rows.map((row) => bare(row[titles.indexOf(id)])), lines.map((one) => bare(one[id].replaceAll('\0', ''))))) finding(`the ${kind} as CSV are ${rows.length} others than the ${lines.length} as NDJSON`);
    if (rows.some((row) => row.length !== titles.length)) finding(`a row of the ${kind} as CSV has not ${titles.length} cells`);
    all[kind] = lines;
  }
  const exported = new Map(all.events.map((event) => [event.messageId, event]));
  const isSaid = (where, { messageId, eventType, eventData }) => {
    const { eventType: name, eventData: data } = exported.get(messageId) ?? {};
    // A timeline says which identify was a person's first.
    if (name !== eventType.replace('user_registered', 'identify') || !isSame(data, eventData)) finding(`${where} says of ${messageId} ${eventType} ${JSON.stringify(eventData)}, and the export ${name} ${JSON.stringify(data)}`);
  };
  for (const [messageId, sent] of taken) {
    const found = exported.get(messageId);
    if (!found) finding(`${messageId} was accepted and is not there`);
    else if (found.eventType.trim() !== sent.eventType || !isSame(found.eventData, sent.eventData)) finding(`${messageId} was sent as ${JSON.stringify(sent)} and is ${JSON.stringify(found)}`);
  }

  await read('export/events/csv?fields=messageId,eventData.text,eventData.amount,eventData.n,context.page.url');
  await read('export/users/csv?fields=id,traits,traits.text,traits.plan,customFields.points&bom=true');
  await read('plan/infer', 'POST', '{}');
  for (const path of ['stats', 'stats?interval=day&zone=America/Toronto', 'groups', 'events/catalog', 'events?limit=200', 'events/rejected?limit=200', 'webhooks']) await read(path);
  const { users = [] } = (await read('users?limit=100&includeBookings=true')) ?? {};
  for (const { id } of users.slice(0, 30)) {
    for (const path of ['', '/identities', '/records', '/export']) await read(`users/${id}${path}`);
    for (const event of (await read(`users/${id}/timeline?limit=100`))?.events ?? []) isSaid(`the timeline of ${id}`, event);
  }
  for (const { messageId, source } of all.events.slice(0, 40)) {
    const door = source === 'webhook' ? 'server' : 'browser';
    const receipt = await read(`events/${encodeURIComponent(messageId)}`);
    if (receipt?.event.eventData && receipt.event.door === door) isSaid('the receipt', receipt.event);
  }
  return all;
}
