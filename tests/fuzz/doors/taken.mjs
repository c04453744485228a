// What the doors took, as it must be read again: by what was sent, as browsers read JSON, and by the rules of the door.

/** A value as it is kept: half of a pair is U+FFFD, a number beyond a double is null (edge/src/domain/json.rs). */
export function kept(value) {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map(kept);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name.toWellFormed(), kept(member)]));
}

/** Whether two values are the same JSON, whatever the order of members. */
export function isSame(one, other) {
  if (one === null || other === null || typeof one !== 'object' || typeof other !== 'object') return Object.is(one, other) || one === other;
  const [names, others] = [Object.keys(one), Object.keys(other)];
  return Array.isArray(one) === Array.isArray(other) && names.length === others.length && names.every((name) => Object.hasOwn(other, name) && isSame(one[name], other[name]));
}

/** The events of TrackMate's own doors that an answer says are stored → [[messageId, {eventType, eventData}]]: those with an id of their own, and where JSON.parse reads the body. */
export function takenBy(json, answer) {
  if (!(answer.accepted > 0) || answer.queued) return [];
  let body;
  try {
    body = JSON.parse(json);
  } catch {
    return []; // NaN, say: the door reads what JSON.parse does not.
  }
  if (body === null || typeof body !== 'object') return [];
  const rejected = new Set(answer.rejected.map(({ index }) => index));
  const items = (Array.isArray(body.events) ? body.events : [body]).filter((item, index) => !rejected.has(index) && typeof item?.eventType === 'string');
  const ids = items.map(({ messageId }) => messageId);
  const own = items.filter(({ messageId }) => typeof messageId === 'string' && /^[!-~]+$/.test(messageId) && ids.indexOf(messageId) === ids.lastIndexOf(messageId));
  return own.map(({ messageId, eventType, eventData }) => [messageId, { eventType: eventType.toWellFormed().trim(), eventData: kept(eventData ?? {}) }]);
}
