//! A company's tracking plan: its events and the form of their data, the check of events, and the
//! inference of a plan from stored events.
//!
//! A plan is a small part of JSON Schema, which many people can read: `type`, `required`,
//! `properties`, `additionalProperties`. A null counts as a left-out field, as everywhere in the
//! API. Events that TrackMate emits, and events that identify a person, are exempt ([`is_exempt`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use trackmate_wire::api::{PlanSchema, PlanType, PlanTypes};
use trackmate_wire::limits::{
    EVENT_NAME_CHARS_MAX, PLAN_BYTES_MAX, PLAN_DEPTH_MAX, PLAN_EVENTS_MAX, PLAN_FIELDS_MAX, PLAN_PATH_CHARS_MAX,
    PLAN_SHOWN_MAX,
};
use trackmate_wire::problem::{Code, Problem};

use super::event::Row;
use super::json;

/// A tracking plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The form of the data of each event, by its name.
    #[serde(default)]
    pub events: BTreeMap<String, PlanSchema>,
    /// Whether other events are allowed.
    #[serde(default)]
    pub additional_events: bool,
}

/// What becomes of an event that violates the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "PlanMode"))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing is looked at.
    Off,
    /// It is stored and counted.
    Report,
    /// It is refused.
    Reject,
}

impl Mode {
    /// The mode's name in the database and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Report => "report",
            Self::Reject => "reject",
        }
    }
}

/// A way in which an event violates a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The plan has no event of this name.
    UnknownEvent,
    /// A required field is missing or null.
    MissingField,
    /// A value has another type.
    WrongType,
    /// The plan does not have this field.
    UnknownField,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 4] = [Self::UnknownEvent, Self::MissingField, Self::WrongType, Self::UnknownField];

    /// The reason's name in the database and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownEvent => "unknown_event",
            Self::MissingField => "missing_field",
            Self::WrongType => "wrong_type",
            Self::UnknownField => "unknown_field",
        }
    }
}

/// One violation of a plan by an event. It names fields and types, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The reason.
    pub reason: Reason,
    /// The place: `eventType`, or a place such as `eventData.order.total`.
    pub field: String,
    /// One sentence for the sender.
    pub message: String,
}

impl Violation {
    fn new(reason: Reason, field: &str, message: impl FnOnce(&str) -> String) -> Self {
        let field: String = field.chars().take(PLAN_PATH_CHARS_MAX).collect();
        Self { reason, message: message(&field), field }
    }
}

impl From<Violation> for Problem {
    fn from(violation: Violation) -> Self {
        let field = if violation.reason == Reason::UnknownEvent { "eventType" } else { "eventData" };
        Self { path: Some(violation.field), ..Self::field(Code::PlanViolation, field, violation.message) }
    }
}

/// Whether plans do not apply to events of this name: TrackMate emits them, or they identify a
/// person.
#[must_use]
pub fn is_exempt(name: &str) -> bool {
    const PREFIXES: [&str; 5] = ["user.", "tag.", "customfield.", "identity.", "webhook."];
    const NAMES: [&str; 6] =
        ["identify", "alias", "group", "identify.undone", "user_registered", "registration.submitted"];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

impl Plan {
    /// The first few violations of this plan by an event. Empty if the event fits.
    #[must_use]
    pub fn check(&self, name: &str, data: &Value) -> Vec<Violation> {
        let mut found = Vec::new();
        if is_exempt(name) {
            return found;
        }
        match self.events.get(name) {
            Some(schema) => check_value(schema, "eventData", data, &mut found),
            None if self.additional_events => {}
            None => found.push(Violation::new(Reason::UnknownEvent, "eventType", |_| {
                "the company's tracking plan has no event of this name".to_owned()
            })),
        }
        found
    }

    /// Validates a plan that a company wrote: it must be within the limits, and an event must be
    /// able to fit it.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn checked(self) -> Result<Self, Problem> {
        let refused = |message: String| Problem::field(Code::InvalidField, "events", message);
        if self.events.len() > PLAN_EVENTS_MAX || self.bytes() > PLAN_BYTES_MAX {
            return Err(refused(format!("a plan has at most {PLAN_EVENTS_MAX} events and {PLAN_BYTES_MAX} bytes")));
        }
        for (name, schema) in &self.events {
            let well_named = !name.is_empty() && name.trim() == name && name.chars().count() <= EVENT_NAME_CHARS_MAX;
            if !well_named || is_exempt(name) {
                let message = format!(
                    "an event of a plan has a name of 1 to {EVENT_NAME_CHARS_MAX} characters, \
                     not one of TrackMate's own events"
                );
                return Err(refused(message));
            }
            if schema.types.as_ref().is_some_and(|types| !types.has(PlanType::Object)) {
                return Err(refused("the data of an event are an object: type is object or left out".to_owned()));
            }
            if !is_bounded(schema, PLAN_DEPTH_MAX) {
                let message = format!(
                    "a plan looks {PLAN_DEPTH_MAX} objects deep, \
                     and an object has at most {PLAN_FIELDS_MAX} fields and a type"
                );
                return Err(refused(message));
            }
        }
        Ok(self)
    }

    /// Infers a plan that all these events fit. Where they are too deep, too wide or too many, the
    /// plan stays open.
    #[must_use]
    pub fn infer<'a>(samples: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Self {
        let mut seen = BTreeMap::<&str, Seen<'_>>::new();
        let mut additional_events = false;
        for (name, data) in samples.into_iter().filter(|(name, _)| !is_exempt(name)) {
            if seen.len() < PLAN_EVENTS_MAX || seen.contains_key(name) {
                seen.entry(name).or_default().add(data, PLAN_DEPTH_MAX);
            } else {
                additional_events = true;
            }
        }
        let plan = |depth| Self {
            events: seen.iter().map(|(name, seen)| ((*name).to_owned(), seen.schema(depth))).collect(),
            additional_events,
        };
        let mut plans = (0..=PLAN_DEPTH_MAX).rev().map(plan);
        plans.find(|plan| plan.bytes() <= PLAN_BYTES_MAX).unwrap_or(Self { additional_events: true, ..Self::default() })
    }

    fn bytes(&self) -> usize {
        serde_json::to_string(self).map_or(usize::MAX, |text| text.len())
    }
}

/// Checks a value, and the values in it.
fn check_value(schema: &PlanSchema, place: &str, value: &Value, found: &mut Vec<Violation>) {
    let Some(kind) = PlanType::of(value).filter(|_| found.len() < PLAN_SHOWN_MAX) else { return };
    if let Some(types) = schema.types.as_ref().filter(|types| !types.has(kind)) {
        return found.push(Violation::new(Reason::WrongType, place, |place| {
            format!("{place} is of type {}; the company's tracking plan has {}", kind.as_str(), types)
        }));
    }
    let Value::Object(members) = value else { return };
    let is_there = |name: &String| members.get(name).is_some_and(|value| !value.is_null());
    for name in schema.required.iter().filter(|name| !is_there(name)) {
        found.push(Violation::new(Reason::MissingField, &format!("{place}.{name}"), |place| {
            format!("{place} is missing; the company's tracking plan requires it")
        }));
    }
    for (name, value) in members {
        match schema.properties.get(name) {
            Some(schema) => check_value(schema, &format!("{place}.{name}"), value, found),
            None if schema.additional_properties == Some(false) && !value.is_null() => {
                found.push(Violation::new(Reason::UnknownField, &format!("{place}.{name}"), |place| {
                    format!("the company's tracking plan has no {place}")
                }));
            }
            None => {}
        }
    }
    found.truncate(PLAN_SHOWN_MAX);
}

/// Whether a schema is within the limits, looked at this deep.
fn is_bounded(schema: &PlanSchema, depth: usize) -> bool {
    let has_kind = !matches!(&schema.types, Some(PlanTypes::Any(types)) if types.is_empty());
    let is_narrow = schema.properties.len() <= PLAN_FIELDS_MAX && schema.required.len() <= PLAN_FIELDS_MAX;
    let inner = |depth| schema.properties.values().all(|schema| is_bounded(schema, depth));
    let is_flat = schema.properties.is_empty() || depth.checked_sub(1).is_some_and(inner);
    has_kind && is_narrow && is_flat
}

/// The values at one place.
#[derive(Default)]
struct Seen<'a> {
    types: BTreeSet<PlanType>,
    objects: usize,
    /// For each field, how often it occurred, and its values. `None` after too many fields.
    members: Option<BTreeMap<&'a str, (usize, Seen<'a>)>>,
    is_wide: bool,
}

impl<'a> Seen<'a> {
    fn add(&mut self, value: &'a Value, depth: usize) {
        self.types.extend(PlanType::of(value));
        let Value::Object(members) = value else { return };
        self.objects += 1;
        if let Some(depth) = depth.checked_sub(1).filter(|_| !self.is_wide) {
            self.add_members(members, depth);
        }
    }

    fn add_members(&mut self, members: &'a Map<String, Value>, depth: usize) {
        let known = self.members.get_or_insert_default();
        for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            let (times, seen) = known.entry(name).or_default();
            *times += 1;
            seen.add(value, depth);
        }
        self.is_wide = known.len() > PLAN_FIELDS_MAX;
        if self.is_wide {
            self.members = None;
        }
    }

    fn schema(&self, depth: usize) -> PlanSchema {
        let types = match self.types.first() {
            Some(only) if self.types.len() == 1 => Some(PlanTypes::One(*only)),
            Some(_) => Some(PlanTypes::Any(self.types.clone())),
            None => None,
        };
        let Some((members, depth)) = self.members.as_ref().zip(depth.checked_sub(1)) else {
            return PlanSchema { types, ..PlanSchema::default() };
        };
        let always = members.iter().filter(|(_, (times, _))| *times == self.objects);
        PlanSchema {
            types,
            required: always.map(|(name, _)| (*name).to_owned()).collect(),
            properties: members.iter().map(|(name, (_, seen))| ((*name).to_owned(), seen.schema(depth))).collect(),
            additional_properties: None,
        }
    }
}

/// The result of a check of a request's events against a plan.
#[derive(Debug, Default)]
pub struct CheckedEvents {
    /// Events to store.
    pub rows: Vec<Row>,
    /// Rejected events, with their problems.
    pub rejected: Vec<(Row, Problem)>,
    /// The violations, with the name of their event.
    pub violations: Vec<(String, Violation)>,
}

/// Checks a request's events against a plan. In the mode `reject`, events that violate it are
/// rejected.
#[must_use]
pub fn check(rows: Vec<Row>, plan: &Plan, mode: Mode) -> CheckedEvents {
    if mode == Mode::Off {
        return CheckedEvents { rows, ..CheckedEvents::default() };
    }
    let mut checked = CheckedEvents::default();
    for row in rows {
        let data = json::value(row.data.get());
        let found = plan.check(&row.name, &data);
        let first = found.first().cloned();
        checked.violations.extend(found.into_iter().map(|violation| (row.name.clone(), violation)));
        match first {
            Some(violation) if mode == Mode::Reject => checked.rejected.push((row, violation.into())),
            Some(_) | None => checked.rows.push(row),
        }
    }
    checked
}

#[cfg(test)]
mod tests;
