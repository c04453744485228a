// The page /docs/http: the OpenAPI document in readable form, one static file. Pure: a document
// in, HTML out.
import { escape, frame, inline } from './frame.mjs';
import { bounds, kind, nameOf, row, Schemas, table } from './schemas.mjs';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const AUTH = {
  serverKey: '<code>X-TrackMate-API-Key</code> with a server key, or <code>Authorization: Bearer</code>',
  adminKey: '<code>X-Admin-ID</code> with an admin key, or <code>Authorization: Bearer</code>',
  operatorKey: '<code>Authorization: Bearer</code> with the operator key',
};
const PROBLEMS =
  'Every answer that is not a success is a `Problem` with one of these codes. ' +
  'The list is closed; texts may change.';

const slug = (tag) => tag.name.toLowerCase();
const paragraphs = (text = '') => {
  const parts = text.split('\n\n').filter(Boolean);
  return parts.map((part) => `<p>${inline(part)}</p>`).join('\n');
};
const credentials = (security) =>
  security.length ? `Needs ${AUTH[Object.keys(security[0])[0]]}.` : 'Public: needs no key.';

const operationsOf = (document) =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    METHODS.filter((method) => methods[method]).map((method) => ({ method, path, ...methods[method] })),
  );

/** The problem codes of an operation, by status. */
function refusals(answers, responses) {
  const codesOf = (response) => (response.$ref ? responses[nameOf(response)] : response).description.split(', ');
  const link = (code) => `<a href="#problem-${code}"><code>${code}</code></a>`;
  return Object.entries(answers)
    .filter(([status]) => !/^2/.test(status))
    .map(([status, response]) => `<li><strong>${status}</strong> ${codesOf(response).map(link).join(', ')}</li>`)
    .join('');
}

function parametersTable(parameters, isOurs) {
  if (!parameters.length) return '';
  const name = (parameter) => (parameter.name === 'customField' ? 'customField[name]' : parameter.name);
  const rows = parameters.map((one) => row(name(one), one.schema, one.required, one.description));
  return table(isOurs ? 'Parameters' : 'Headers', rows);
}

function operation(schemas, responses, { method, path, operationId, parameters = [], requestBody, ...rest }) {
  const { summary, description, security, responses: answers } = rest;
  const isOurs = path.startsWith('/');
  const body = requestBody?.content['application/json'];
  const given = Object.entries(answers[200]?.content ?? {});
  const caption = body && `Body${requestBody.required ? '' : ' (optional)'}: ${kind(body.schema)}`;
  const kindOf = (media, answer) => (media === 'application/json' ? kind(answer.schema) : `<code>${media}</code>`);
  const answerOf = ([media, answer]) =>
    `<div>${schemas.example(`Answer: ${kindOf(media, answer)}, for example`, answer)}</div>`;
  const title = `<span class="method ${method}">${method.toUpperCase()}</span>`;
  const problems = `<ul class="refusals">${refusals(answers, responses)}</ul>`;
  return `<article class="card operation" id="${operationId}" data-operation="${method} ${escape(path)}">
<h3><a href="#${operationId}">${title} <code>${escape(path).replaceAll('/', '/<wbr />')}</code></a></h3>
<p class="lead">${inline(summary)}</p>
${paragraphs(description)}
<p class="quiet">${isOurs ? credentials(security) : 'Sent by TrackMate.'}</p>
${parametersTable(parameters, isOurs)}
${body ? schemas.fields(caption, body.schema, true) + paragraphs(schemas.resolve(body.schema).description) : ''}
<div class="examples">${body ? `<div>${schemas.example('Body, for example', body)}</div>` : ''}
${given.map(answerOf).join('\n')}</div>
${given.length ? `<details><summary>Problems</summary>${problems}</details>` : ''}
</article>`;
}

function problemRow({ code, cause }) {
  const link = `<a href="/docs/problems/#${code}"><code>${code}</code></a>`;
  return `<tr id="problem-${code}"><th scope="row">${link}</th><td>${inline(cause)}</td></tr>`;
}

export function referencePage(page, document) {
  const schemas = new Schemas(document.components.schemas);
  const operations = operationsOf(document);
  const webhooks = Object.values(document.webhooks ?? {});
  const deliveries = webhooks.map(({ post }) => ({ method: 'post', path: 'your URL', ...post }));
  const ofTag = (tag) => [
    ...tag['x-operations'].map((id) => operations.find((one) => one.operationId === id)),
    ...deliveries.filter((delivery) => delivery.tags.includes(tag.name)),
  ];
  /** Schemas of requests. Their tables mark required fields. */
  const bodies = operations.flatMap(({ requestBody }) => requestBody?.content['application/json'].schema ?? []);
  const requests = new Set([...bodies.map(nameOf), 'Event', 'Identifier']);

  const link = ({ operationId, summary }) => `<li><a href="#${operationId}">${inline(summary)}</a></li>`;
  const contents = (tag) =>
    `<section><h2><a href="#${slug(tag)}">${tag.name}</a></h2><ul>${ofTag(tag).map(link).join('')}</ul></section>`;
  const section = (tag) => {
    const articles = ofTag(tag).map((one) => operation(schemas, document.components.responses, one));
    const parts = [`<h2>${tag.name}</h2>`, paragraphs(tag.description), articles.join('\n')];
    return `<section id="${slug(tag)}" class="stack">${parts.join('\n')}</section>`;
  };
  const object = ([name, one]) =>
    `<section class="schema" id="schema-${name}"><h3><a href="#schema-${name}">${name}</a></h3>
${paragraphs(one.description)}
${schemas.fields(`Fields of ${name}`, one, requests.has(name)) || `<p>${kind(one)}${bounds(one)}</p>`}</section>`;

  return frame({
    page,
    from: 'docs/openapi.json',
    contents: `${document.tags.map(contents).join('\n')}
        <section><h2><a href="#problems">Problems</a></h2></section>
        <section><h2><a href="#objects">Objects</a></h2></section>`,
    main: `<section class="card"><h1>Every route</h1>
${paragraphs(document.info.description)}</section>
        ${document.tags.map(section).join('\n')}
        <section id="problems" class="card"><h2>Problems</h2>
${paragraphs(PROBLEMS)}
${table('Codes', schemas.schemas.Problem['x-codes'].map(problemRow))}</section>
        <section id="objects" class="card"><h2>Objects</h2>
${Object.entries(schemas.schemas).map(object).join('\n')}</section>`,
  });
}
