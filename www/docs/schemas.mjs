// Renders the schemas of the OpenAPI document as HTML: a type in a few words, tables of fields, and
// examples. Pure.
import { escape, inline } from './frame.mjs';

const TYPES = { integer: 'number', boolean: 'true or false' };

export const nameOf = (part) => part.$ref?.split('/').at(-1);
const code = (value) => `<code>${escape(value)}</code>`;
const isNull = (schema) => schema.type === 'null';

/**
 * The schema without null. In a request, null means the same as a missing field: the introduction says
 * so, and the tables leave null out.
 */
const withoutNull = (schema) => ({
  ...schema,
  ...(Array.isArray(schema.type) && { type: schema.type.filter((type) => type !== 'null') }),
  ...(schema.enum && { enum: schema.enum.filter((value) => value !== null) }),
  ...(schema.anyOf?.some(isNull) && { anyOf: schema.anyOf.filter((one) => !isNull(one)) }),
});

/** A schema in a few words, with links to named objects. */
export function kind(schema) {
  if (schema === true || !schema) return 'anything';
  if (schema.$ref) return `<a href="#schema-${nameOf(schema)}">${nameOf(schema)}</a>`;
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum) {
    const values = schema.enum.filter((value) => value !== null).map(code);
    return values.join(', ') + (schema.enum.includes(null) ? ' or null' : '');
  }
  const either = schema.anyOf ?? schema.oneOf;
  if (either && !schema.properties) return either.length > 6 ? 'text' : either.map(kind).join(' or ');
  const types = [schema.type ?? 'anything'].flat();
  return types.map((type) => kindOfType(type, schema)).join(' or ');
}

function kindOfType(type, schema) {
  if (type === 'array') return `list of ${kind(schema.items ?? true)}`;
  if (type === 'object' && schema.additionalProperties?.type) return `object of ${kind(schema.additionalProperties)}`;
  if (type === 'string') return schema.format === 'date-time' ? 'time' : 'text';
  return TYPES[type] ?? type;
}

/** The limits and the default of a value. */
export function bounds(schema) {
  const { minimum, maximum, minLength, maxLength, maxItems, maxProperties, default: usual } = schema;
  const parts = [];
  if (minimum !== undefined && maximum !== undefined && maximum !== 65535) parts.push(`${minimum} to ${maximum}`);
  if (maxLength) parts.push(`${minLength ? `${minLength} to` : 'at most'} ${maxLength} characters`);
  if (maxItems) parts.push(`at most ${maxItems}`);
  if (maxProperties) parts.push(`at most ${maxProperties}`);
  if (usual !== undefined) parts.push(`default ${usual}`);
  return parts.length ? ` <span class="quiet">${parts.join(', ')}</span>` : '';
}

export function row(name, schema, required, text) {
  const mark = required ? ' <span class="quiet">required</span>' : '';
  const description = text ? `<br />${inline(text)}` : '';
  const value = `${kind(schema)}${bounds(schema)}${description}`;
  return `<tr><th scope="row">${code(name)}${mark}</th><td>${value}</td></tr>`;
}

export function table(caption, rows) {
  const label = caption.replaceAll(/<[^>]+>/g, '');
  const content = `<table class="fields"><caption>${caption}</caption>${rows.join('\n')}</table>`;
  return `<div class="scroll" tabindex="0" role="group" aria-label="${label}">${content}</div>`;
}

/** The names of an object's fields, required ones first, in the order of the type. */
function names({ required = [], properties = {} }) {
  const others = Object.keys(properties).filter((name) => !required.includes(name));
  return [...required, ...others].filter((name) => properties[name] !== undefined);
}

/** What needs the document's named schemas. */
export class Schemas {
  constructor(schemas) {
    this.schemas = schemas;
  }

  resolve(schema) {
    return schema.$ref?.startsWith('#/components/schemas/') ? this.schemas[nameOf(schema)] : schema;
  }

  /** Merges a composed schema: all its fields, and which are required. */
  merged(schema) {
    const one = this.resolve(schema);
    const parts = (one.allOf ?? []).map((part) => this.merged(part));
    const required = [...(one.required ?? []), ...parts.flatMap((part) => part.required ?? [])];
    const properties = Object.assign({}, one.properties, ...parts.toReversed().map((part) => part.properties));
    return { ...one, required, properties };
  }

  /** The table of an object's fields. A request's table marks required fields. */
  fields(caption, schema, isRequest = false) {
    const one = this.merged(schema);
    const rows = names(one).map((name) => {
      const field = one.properties[name];
      const required = isRequest && one.required.includes(name);
      return row(name, isRequest ? withoutNull(field) : field, required, field.description);
    });
    return rows.length ? table(caption, rows) : '';
  }

  example(title, { example, schema }) {
    const text = typeof example === 'string' ? example : JSON.stringify(this.ordered(example, schema), null, 2);
    return `<h4>${title}</h4>\n<pre tabindex="0"><code>${escape(text)}</code></pre>`;
  }

  /** An example with its fields in the order of the schema. */
  ordered(value, schema) {
    if (!schema || schema === true || value === null || typeof value !== 'object') return value;
    const one = this.merged(schema);
    const fits = (other) => (Array.isArray(value) ? other.items : other.properties || other.anyOf);
    const fit = (one.anyOf ?? one.oneOf)?.map((other) => this.resolve(other)).find(fits);
    if (Array.isArray(value)) return value.map((item) => this.ordered(item, (fit ?? one).items));
    if (fit && !Object.keys(one.properties).length) return this.ordered(value, fit);
    const keys = names(one);
    const sorted = [...keys.filter((key) => key in value), ...Object.keys(value).filter((key) => !keys.includes(key))];
    return Object.fromEntries(sorted.map((key) => [key, this.ordered(value[key], one.properties[key])]));
  }
}
