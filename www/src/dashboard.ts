// The dashboard's first slice: one admin key, one person's timeline, the webhooks and their deliveries. The key stays in this
// tab (sessionStorage) and goes nowhere but into the header of the API's own requests.

import { Admin, ApiError, type Delivery, type Person, type Webhook } from './api';
import { byId, el, field } from './dom';
import { eventItem, summary, time } from './timeline';

const KEY = 'trackmate.admin-key';

let admin: Admin | undefined;

/** Runs a step that asks the API; what goes wrong is said where the person looks. */
async function attempt(step: (admin: Admin) => Promise<void>) {
  if (!admin) return;
  say('');
  try {
    await step(admin);
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return signOut('This key is not an admin key of any company, or it was revoked.');
    say(error instanceof Error ? error.message : String(error));
  }
}

function say(problem: string) {
  byId('problem').textContent = problem;
  byId('problem').hidden = problem === '';
}

function signIn(key: string) {
  admin = new Admin(key);
  sessionStorage.setItem(KEY, key);
  show(true);
  void attempt(listWebhooks);
}

function signOut(why = '') {
  admin = undefined;
  sessionStorage.removeItem(KEY);
  for (const id of ['person', 'webhooks', 'deliveries']) byId(id).replaceChildren();
  show(false);
  say(why);
}

function show(signedIn: boolean) {
  byId('sign-in').hidden = signedIn;
  byId('workspace').hidden = !signedIn;
  byId('sign-out').hidden = !signedIn;
}

async function findPerson(admin: Admin, email: string) {
  const { users } = await admin.people(email);
  const [found] = users;
  if (!found) {
    byId('person').replaceChildren(el('p', { class: 'quiet' }, `Nobody here has the address ${email}.`));
    return;
  }
  await showPerson(admin, found);
}

async function showPerson(admin: Admin, { id }: Person) {
  const timeline = await admin.timeline(id);
  const events = el('ol', { class: 'events' }, ...timeline.events.map(eventItem));
  const more = el('button', { type: 'button', class: 'secondary' }, 'Later events');
  let { nextCursor } = timeline.pagination;
  more.hidden = !timeline.pagination.hasMore;
  more.addEventListener('click', () =>
    attempt(async (admin) => {
      const next = await admin.timeline(id, nextCursor ?? undefined);
      events.append(...next.events.map(eventItem));
      nextCursor = next.pagination.nextCursor;
      more.hidden = !next.pagination.hasMore;
    }),
  );
  byId('person').replaceChildren(
    el('h3', {}, timeline.profile.name ?? 'No name'),
    el('p', { class: 'quiet' }, timeline.profile.email ?? 'no address', ' · ', el('code', {}, timeline.profile.id)),
    summary(timeline),
    el('h4', {}, 'Timeline'),
    events,
    more,
  );
}

async function listWebhooks(admin: Admin) {
  const { webhooks } = await admin.webhooks();
  byId('webhooks').replaceChildren(
    ...(webhooks.length ? [webhookTable(webhooks)] : [el('p', { class: 'quiet' }, 'This company has no webhooks yet.')]),
  );
}

function webhookTable(webhooks: Webhook[]): HTMLElement {
  const rows = webhooks.map((webhook) => {
    const name = el('button', { type: 'button', class: 'link' }, webhook.name);
    name.addEventListener('click', () => attempt((admin) => showDeliveries(admin, webhook.id)));
    const state = webhook.active ? el('span', { class: 'good' }, 'active') : el('span', { class: 'bad' }, 'off');
    return row(name, el('code', {}, webhook.url), webhook.events.join(', '), state);
  });
  return table(['Name', 'Address', 'Events', 'State'], rows);
}

async function showDeliveries(admin: Admin, id: string) {
  const { webhook, deliveries } = await admin.webhook(id);
  byId('deliveries').replaceChildren(
    el('h3', {}, `Deliveries of ${webhook.name}`),
    deliveries.length ? deliveryTable(deliveries) : el('p', { class: 'quiet' }, 'Nothing was delivered yet.'),
  );
}

function deliveryTable(deliveries: Delivery[]): HTMLElement {
  const rows = deliveries.map(({ event, status, attempts, createdAt }) => {
    const tries = attempts.map(({ statusCode, success, error, durationMs }) => {
      const outcome = [statusCode ?? 'no answer', error].filter(Boolean).join(' ');
      return el('li', { class: success ? 'good' : 'bad' }, `${outcome}, ${durationMs} ms`);
    });
    return row(time(createdAt), el('strong', {}, event), status, el('ol', { class: 'attempts' }, ...tries));
  });
  return table(['Made', 'Event', 'Status', 'Attempts'], rows);
}

const row = (...cells: (Node | string)[]) => el('tr', {}, ...cells.map((cell) => el('td', {}, cell)));

function table(heads: string[], rows: HTMLElement[]): HTMLElement {
  const head = el('thead', {}, el('tr', {}, ...heads.map((name) => el('th', { scope: 'col' }, name))));
  return el('div', { class: 'scroll' }, el('table', {}, head, el('tbody', {}, ...rows)));
}

function onSubmit(id: string, act: (form: HTMLFormElement) => void) {
  const form = byId<HTMLFormElement>(id);
  form.addEventListener('submit', (submitted) => {
    submitted.preventDefault();
    act(form);
  });
}

onSubmit('sign-in', (form) => {
  signIn(field(form, 'key'));
  form.reset();
});
onSubmit('find', (form) => void attempt((admin) => findPerson(admin, field(form, 'email'))));
byId('sign-out').addEventListener('click', () => signOut());
byId('reload-webhooks').addEventListener('click', () => attempt(listWebhooks));

const kept = sessionStorage.getItem(KEY);
if (kept) signIn(kept);
else show(false);
