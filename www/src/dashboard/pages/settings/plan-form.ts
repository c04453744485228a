// A tracking plan as text: parsing, formatting, and a one-line description of each event. Pure.

import type { Schema } from '../../../api';

export type Events = Schema<'Plan'>['events'];
type Form = Events[string];

export const formatted = (events: Events) => JSON.stringify(events, null, 2);

/** Parses the text into a plan. If it is not a plan, `problem` says why. */
export function events(text: string): { events: Events; problem?: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value && !Array.isArray(value)) return { events: value as Events };
    return { events: {}, problem: 'The plan must be an object with events by name, such as {"page_view": {}}.' };
  } catch (error) {
    return { events: {}, problem: `The plan is not valid JSON: ${error instanceof Error ? error.message : error}.` };
  }
}

/**
 * A readable form of an event's schema: `amount: number, note: string or boolean (optional)`.
 * Accepts any JSON, since the schema may be incomplete while it is typed.
 */
export function fieldsOf(form: Form | null): string {
  const properties = form?.properties ?? {};
  const required = Array.isArray(form?.required) ? form.required : [];
  const names = [...new Set([...required, ...Object.keys(properties)])];
  const fields = names.map((name) => {
    const type = [properties[name]?.type ?? []].flat().join(' or ');
    return `${name}${type && `: ${type}`}${required.includes(name) ? '' : ' (optional)'}`;
  });
  return [...fields, ...(form?.additionalProperties === false ? ['no other fields'] : [])].join(', ');
}
