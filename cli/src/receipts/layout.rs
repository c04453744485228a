//! Formats received events for the terminal. Pure: the time zone is an argument.

use std::fmt::{Display, Write};

use chrono::{DateTime, TimeZone};
use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::api::{EventReceipt, Incoming, LinkedBy, ReceiptDelivery, ReceivedEvent, RejectedList};
use trackmate_wire::catalogue;
use trackmate_wire::problem::ALL;

use crate::webhooks::layout::{field, more, optional, table, time};

/// Maximum characters of an event's data in a line.
const DATA_CHARS_MAX: usize = 100;

/// Formats an item as one line.
pub(super) fn line<Z: TimeZone>(entry: &Incoming, zone: &Z) -> String
where
    Z::Offset: Display,
{
    let clock = DateTime::parse_from_rfc3339(&entry.at)
        .map_or_else(|_| entry.at.clone(), |at| at.with_timezone(zone).format("%H:%M:%S").to_string());
    let Incoming { door, outcome, .. } = entry;
    let name = entry.event_type.as_deref().unwrap_or("-");
    let mut text = format!("{clock}  {door:<7}  {outcome:<9}  {name:<24}");
    if let (Some(code), Some(message)) = (&entry.code, &entry.message) {
        let _ = write!(text, "  {code}: {message}");
    }
    if let Some(person) = entry.user_name.as_ref().or(entry.user_id.as_ref()) {
        let _ = write!(text, "  {person}");
    }
    let data = entry.event_data.as_deref().map(value);
    if let Some(data) = data.filter(|data| data.as_object().is_some_and(|all| !all.is_empty())) {
        let _ = write!(text, "  {}", summary(&data));
    }
    for warning in &entry.warnings {
        let _ = write!(text, "  ({})", warning.code);
    }
    text.trim_end().to_owned()
}

/// Parses data that the API passes on unchanged.
fn value(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn summary(data: &Value) -> String {
    let text = data.to_string();
    if text.chars().count() <= DATA_CHARS_MAX {
        return text;
    }
    text.chars().take(DATA_CHARS_MAX - 1).chain(['…']).collect()
}

pub(super) fn rejected<Z: TimeZone>(page: &RejectedList, zone: &Z) -> String
where
    Z::Offset: Display,
{
    if page.rejected.is_empty() {
        return "Nothing was rejected.".into();
    }
    let mut rows = vec![["Time", "Source", "Event", "Message id", "Reason"].map(String::from)];
    for entry in &page.rejected {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
        let reason = format!("{}: {}", or_dash(&entry.code), or_dash(&entry.message));
        let (event, id) = (or_dash(&entry.event_type), or_dash(&entry.message_id));
        rows.push([time(Some(&entry.at), zone), entry.door.clone(), event, id, reason]);
    }
    table(&rows, &[]) + &more(&page.pagination)
}

pub(super) fn receipt<Z: TimeZone>(receipt: &EventReceipt, zone: &Z) -> String
where
    Z::Offset: Display,
{
    let EventReceipt { event, person, deliveries } = receipt;
    let mut text = format!("{} {}\n", event.event_type.as_deref().unwrap_or("Unnamed event"), event.outcome);
    field(&mut text, "Message id", &event.message_id);
    field(&mut text, "Source", &event.door);
    optional(&mut text, "Duplicates", event.duplicates);
    rejection(&mut text, event);
    optional(&mut text, "Time", event.timestamp.as_deref().map(|at| time(Some(at), zone)));
    field(&mut text, "Received", time(Some(&event.received_at), zone));
    optional(&mut text, "Session", event.session_id.as_ref());
    optional(&mut text, "Data", event.event_data.as_deref().map(value));
    for warning in &event.warnings {
        field(&mut text, "Warning", &warning.message);
    }
    optional(&mut text, "Context", event.context.as_deref().map(value));
    if event.code.is_some() {
        return text.trim_end().to_owned();
    }
    match person {
        None => field(&mut text, "Person", "none yet"),
        Some(person) => {
            let known = [person.name.as_deref(), person.email.as_deref()].into_iter().flatten();
            field(&mut text, "Person", known.chain([person.id.as_str()]).collect::<Vec<_>>().join(", "));
            let by = |link: &LinkedBy| format!("{} at {}", link.message_id, time(Some(&link.at), zone));
            field(
                &mut text,
                "Linked by",
                person.linked_by.as_ref().map_or_else(|| "the server that sent the event".into(), by),
            );
        }
    }
    if deliveries.is_empty() {
        field(&mut text, "Deliveries", "none");
    }
    for ReceiptDelivery { webhook_id, webhook_name, status, next_attempt_at, attempts, .. } in deliveries {
        let _ = writeln!(text, "\n   {} {status}", webhook_name.as_ref().unwrap_or(webhook_id));
        for attempt in attempts {
            let answer = match (attempt.status_code, &attempt.error) {
                (Some(status), None) => status.to_string(),
                (Some(status), Some(error)) => format!("{status} {error}"),
                (None, error) => error.clone().unwrap_or_else(|| "-".into()),
            };
            let (number, at, took) = (attempt.attempt, time(Some(&attempt.at), zone), attempt.duration_ms);
            let _ = writeln!(text, "      {number}. {at}  {answer}  ({took} ms)");
        }
        if let Some(at) = next_attempt_at {
            let _ = writeln!(text, "      next {}", time(Some(at), zone));
        }
    }
    text.trim_end().to_owned()
}

/// Why an event was rejected, and the fix that this version of the CLI knows.
fn rejection(text: &mut String, event: &ReceivedEvent) {
    let Some(code) = &event.code else { return };
    field(text, "Code", code);
    optional(text, "Field", event.field.as_ref());
    optional(text, "Message", event.message.as_ref());
    if let Some(known) = ALL.into_iter().find(|known| known.as_str() == code) {
        field(text, "Fix", catalogue::of(known).fix);
    }
}
