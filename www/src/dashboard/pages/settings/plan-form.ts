// A tracking plan as text: read, laid out, and each event's form in a line. Pure.

import type { Schema } from '../../../api';

export type Events = Schema<'Plan'>['events'];
type Form = Events[string];

export const formatted = (events: Events) => JSON.stringify(events, null, 2);

/** The plan that the text says; while it says none, why. */
export function events(text: string): { events: Events; problem?: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value && !Array.isArray(value)) return { events: value as Events };
    return { events: {}, problem: 'The plan is an object of events by their names, such as {"page_view": {}}.' };
  } catch (error) {
    return { events: {}, problem: `The plan is not JSON yet: ${error instanceof Error ? error.message : error}.` };
  }
}

/** `amount: number, note: string or boolean (may be left out)`: what the docs' schema says, for people. While it is being typed it may be of any form. */
export function fieldsOf(form: Form | null): string {
  const properties = form?.properties ?? {};
  const required = Array.isArray(form?.required) ? form.required : [];
  const names = [...new Set([...required, ...Object.keys(properties)])];
  const fields = names.map((name) => {
    const type = [properties[name]?.type ?? []].flat().join(' or ');
    return `${name}${type && `: ${type}`}${required.includes(name) ? '' : ' (may be left out)'}`;
  });
  return [...fields, ...(form?.additionalProperties === false ? ['no others'] : [])].join(', ');
}
