// The page /docs/http: the OpenAPI document in a readable form, one static file without scripts. Pure: a document in,
// HTML out.
import { escape, frame, inline } from './frame.mjs';

const paragraphs = (text = '') => text.split('\n\n').filter(Boolean).map((part) => `<p>${inline(part)}</p>`).join('\n');
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const AUTH = {
  serverKey: '<code>X-TrackMate-API-Key</code> with a server key, or <code>Authorization: Bearer</code>',
  adminKey: '<code>X-Admin-ID</code> with an admin key, or <code>Authorization: Bearer</code>',
  operatorKey: '<code>Authorization: Bearer</code> with the operator key',
};

export function referencePage(page, document) {
  const { schemas, responses } = document.components;
  const named = (part) => part.$ref?.split('/').at(-1);
  const resolve = (schema) => (schema.$ref?.startsWith('#/components/schemas/') ? schemas[named(schema)] : schema);
  const operations = Object.entries(document.paths).flatMap(([path, methods]) => METHODS.filter((m) => methods[m]).map((method) => ({ method, path, ...methods[method] })));
  const deliveries = Object.values(document.webhooks ?? {}).map(({ post }) => ({ method: 'post', path: 'your URL', ...post }));
  const of = (tag) => tag['x-operations'].map((id) => operations.find((operation) => operation.operationId === id)).concat(deliveries.filter((delivery) => delivery.tags.includes(tag.name)));
  /** Schemas that only requests use: their tables say which fields are required. */
  const requests = new Set(operations.flatMap((o) => (o.requestBody ? [named(o.requestBody.content['application/json'].schema)] : [])).concat('Event', 'Identifier'));
  const slug = (tag) => tag.name.toLowerCase();

  /** A schema in a few words, names of objects as links. */
  function kind(schema) {
    if (schema === true || !schema) return 'anything';
    if (schema.$ref) return `<a href="#schema-${named(schema)}">${named(schema)}</a>`;
    if (schema.const !== undefined) return `<code>${escape(JSON.stringify(schema.const))}</code>`;
    if (schema.enum) return schema.enum.filter((v) => v !== null).map((v) => `<code>${escape(v)}</code>`).join(', ') + (schema.enum.includes(null) ? ' or null' : '');
    const either = schema.anyOf ?? schema.oneOf;
    if (either && !schema.properties) return either.length > 6 ? 'text' : either.map(kind).join(' or ');
    return [schema.type ?? 'anything'].flat().map((type) => {
      if (type === 'array') return `list of ${kind(schema.items ?? true)}`;
      if (type === 'object' && schema.additionalProperties?.type) return `object of ${kind(schema.additionalProperties)}`;
      return { string: schema.format === 'date-time' ? 'time' : 'text', integer: 'number', boolean: 'true or false' }[type] ?? type;
    }).join(' or ');
  }

  function bounds(schema) {
    const { minimum, maximum, minLength, maxLength, maxItems, maxProperties, default: usual } = schema;
    const parts = [];
    if (minimum !== undefined && maximum !== undefined && maximum !== 65535) parts.push(`${minimum} to ${maximum}`);
    if (maxLength) parts.push(minLength ? `${minLength} to ${maxLength} characters` : `at most ${maxLength} characters`);
    if (maxItems) parts.push(`at most ${maxItems}`);
    if (maxProperties) parts.push(`at most ${maxProperties}`);
    if (usual !== undefined) parts.push(`${usual} unless given`);
    return parts.length ? ` <span class="quiet">${parts.join(', ')}</span>` : '';
  }

  /** In a request, null counts as a missing field. The introduction says so; the tables leave it out. */
  const isNull = (schema) => schema.type === 'null';
  const given = (schema) => ({
    ...schema,
    ...(Array.isArray(schema.type) && { type: schema.type.filter((type) => type !== 'null') }),
    ...(schema.enum && { enum: schema.enum.filter((value) => value !== null) }),
    ...(schema.anyOf?.some(isNull) && { anyOf: schema.anyOf.filter((one) => !isNull(one)) }),
  });

  const row = (name, schema, required, text) =>
    `<tr><th scope="row"><code>${escape(name)}</code>${required ? ' <span class="quiet">required</span>' : ''}</th><td>${kind(schema)}${bounds(schema)}${text ? `<br />${inline(text)}` : ''}</td></tr>`;
  const table = (caption, rows) => `<div class="scroll" tabindex="0" role="group" aria-label="${caption.replaceAll(/<[^>]+>/g, '')}"><table class="fields"><caption>${caption}</caption>${rows.join('\n')}</table></div>`;

  /** Names of an object's fields as the types declare them: required ones keep their order. */
  function names(schema) {
    const required = schema.required ?? [];
    return [...required, ...Object.keys(schema.properties ?? {}).filter((name) => !required.includes(name))].filter((name) => schema.properties?.[name] !== undefined);
  }

  /** The fields of a schema that is made of parts, and which are required. */
  function whole(schema) {
    const one = resolve(schema);
    const parts = (one.allOf ?? []).map(whole);
    const required = [...(one.required ?? []), ...parts.flatMap((part) => part.required ?? [])];
    return { ...one, required, properties: Object.assign({}, one.properties, ...parts.toReversed().map((part) => part.properties)) };
  }

  function fields(caption, schema, isRequest = false) {
    const one = whole(schema);
    const rows = names(one).map((name) => row(name, isRequest ? given(one.properties[name]) : one.properties[name], isRequest && one.required.includes(name), one.properties[name].description));
    return rows.length ? table(caption, rows) : '';
  }

  /** An example with its fields in the order of the schema. */
  function ordered(value, schema) {
    if (!schema || schema === true || value === null || typeof value !== 'object') return value;
    const one = whole(schema);
    const fit = (one.anyOf ?? one.oneOf)?.map(resolve).find((other) => (Array.isArray(value) ? other.items : other.properties || other.anyOf));
    if (Array.isArray(value)) return value.map((item) => ordered(item, (fit ?? one).items));
    if (fit && !Object.keys(one.properties).length) return ordered(value, fit);
    const keys = names(one);
    const sorted = [...keys.filter((key) => key in value), ...Object.keys(value).filter((key) => !keys.includes(key))];
    return Object.fromEntries(sorted.map((key) => [key, ordered(value[key], one.properties[key])]));
  }

  const example = (title, { example: value, schema }) =>
    `<h4>${title}</h4>\n<pre tabindex="0"><code>${escape(typeof value === 'string' ? value : JSON.stringify(ordered(value, schema), null, 2))}</code></pre>`;

  const codesOf = (response) => (response.$ref ? responses[named(response)] : response).description.split(', ');

  const credentials = (security) => (security.length ? `Needs ${AUTH[Object.keys(security[0])[0]]}.` : 'Public: needs no key.');

  function operation({ method, path, operationId, summary, description, security, parameters = [], requestBody, responses: answers }) {
    const isOurs = path.startsWith('/');
    const body = requestBody?.content['application/json'];
    const given = Object.entries(answers[200]?.content ?? {});
    const refusals = Object.entries(answers).filter(([status]) => !/^2/.test(status)).map(([status, response]) =>
      `<li><strong>${status}</strong> ${codesOf(response).map((code) => `<a href="#problem-${code}"><code>${code}</code></a>`).join(', ')}</li>`);
    return `<article class="card operation" id="${operationId}" data-operation="${method} ${escape(path)}">
<h3><a href="#${operationId}"><span class="method ${method}">${method.toUpperCase()}</span> <code>${escape(path).replaceAll('/', '/<wbr />')}</code></a></h3>
<p class="lead">${inline(summary)}</p>
${paragraphs(description)}
<p class="quiet">${isOurs ? credentials(security) : 'Sent by TrackMate.'}</p>
${parameters.length ? table(isOurs ? 'Parameters' : 'Headers', parameters.map((p) => row(p.name === 'customField' ? 'customField[name]' : p.name, p.schema, p.required, p.description))) : ''}
${body ? fields(`Body${requestBody.required ? '' : ' (may be left out)'}: ${kind(body.schema)}`, body.schema, true) + paragraphs(resolve(body.schema).description) : ''}
<div class="examples">${body ? `<div>${example('Body, for example', body)}</div>` : ''}
${given.map(([media, answer]) => `<div>${example(`Answer: ${media === 'application/json' ? kind(answer.schema) : `<code>${media}</code>`}, for example`, answer)}</div>`).join('\n')}</div>
${given.length ? `<details><summary>Problems</summary><ul class="refusals">${refusals.join('')}</ul></details>` : ''}
</article>`;
  }

  const schema = ([name, one]) => `<section class="schema" id="schema-${name}"><h3><a href="#schema-${name}">${name}</a></h3>
${paragraphs(one.description)}
${fields(`Fields of ${name}`, one, requests.has(name)) || `<p>${kind(one)}${bounds(one)}</p>`}</section>`;

  const problems = schemas.Problem['x-codes'];
  return frame({
    page,
    from: 'docs/openapi.json',
    contents: `${document.tags.map((tag) => `<section><h2><a href="#${slug(tag)}">${tag.name}</a></h2><ul>${of(tag).map((o) => `<li><a href="#${o.operationId}">${inline(o.summary)}</a></li>`).join('')}</ul></section>`).join('\n')}
        <section><h2><a href="#problems">Problems</a></h2></section>
        <section><h2><a href="#objects">Objects</a></h2></section>`,
    main: `<section class="card"><h1>Every route</h1>
${paragraphs(document.info.description)}</section>
        ${document.tags.map((tag) => `<section id="${slug(tag)}" class="stack"><h2>${tag.name}</h2>\n${paragraphs(tag.description)}\n${of(tag).map(operation).join('\n')}</section>`).join('\n')}
        <section id="problems" class="card"><h2>Problems</h2>
${paragraphs('Every answer that is not a success is a `Problem` with one of these codes. The list is closed; texts may change.')}
${table('Codes', problems.map(({ code, cause }) => `<tr id="problem-${code}"><th scope="row"><a href="/docs/problems/#${code}"><code>${code}</code></a></th><td>${inline(cause)}</td></tr>`))}</section>
        <section id="objects" class="card"><h2>Objects</h2>
${Object.entries(schemas).map(schema).join('\n')}</section>`,
  });
}
