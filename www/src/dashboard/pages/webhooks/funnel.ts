// The webhook that sends the funnel's contacts to the CRM. Each company has it under the same id.

export const FUNNEL_WEBHOOK = 'wh_funnel';
