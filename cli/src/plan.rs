//! `trackmate plan …`: a company's tracking plan. A plan file is JSON, as `infer` prints it:
//! `{"events":{…},"additionalEvents":…}`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io::{self, Read};

use clap::{Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trackmate_wire::api::{InferredPlan, PlanAnswer, PlanChecked, PlanRefused, PlanSchema, ViolationCount};

use crate::api::Api;
use crate::error::Error;
use crate::output::Output;
use crate::webhooks::layout::{table, time};

/// Events per request: the API's own limit.
const EVENTS_A_CALL: usize = 500;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show the plan and the counts of its violations.
    Show,
    /// Print a plan that matches a sample of the stored events. Stores nothing.
    Infer,
    /// Check events against the plan. Fails if an event violates it.
    Check {
        /// Events: a JSON array, an object with `events`, or one per line. - reads standard input.
        #[arg(value_name = "EVENTS")]
        file: String,
        /// A plan file to use instead of the company's plan.
        #[arg(long, value_name = "FILE")]
        plan: Option<String>,
    },
    /// Set the plan. Without a file, sets only its mode.
    Set {
        /// The plan file. - reads standard input.
        #[arg(value_name = "PLAN")]
        file: Option<String>,
        /// What happens to events that violate the plan.
        #[arg(long, value_enum)]
        mode: Mode,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Mode {
    /// Events are not checked.
    Off,
    /// Events that violate the plan are stored, and the violations are counted.
    Report,
    /// Events that violate the plan are rejected.
    Reject,
}

impl Mode {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Report => "report",
            Self::Reject => "reject",
        }
    }
}

pub(crate) fn run(command: Command, api: &Api, output: Output) -> Result<(), Error> {
    match command {
        Command::Show => output.answer(&api.get("/api/admin/plan", &[])?, layout),
        Command::Infer => output.answer(&api.post("/api/admin/plan/infer", &json!({}))?, |inferred: InferredPlan| {
            format!("{:#}", json!(inferred.plan))
        }),
        Command::Check { file, plan } => check(&file, plan.as_deref(), api, output),
        Command::Set { file, mode } => {
            let change = match file.as_deref().map(plan).transpose()? {
                None => json!({"mode": mode.as_str()}),
                Some(PlanFile { events, additional_events }) => {
                    json!({"mode": mode.as_str(), "events": events, "additionalEvents": additional_events})
                }
            };
            output.answer(&api.put("/api/admin/plan", &change)?, layout)
        }
    }
}

/// A plan file. Its events are sent as they are: the API checks them. Other members, such as a
/// mode, are ignored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlanFile {
    events: BTreeMap<String, Value>,
    #[serde(default)]
    additional_events: bool,
}

/// Formats a plan. An asterisk marks required fields.
fn layout(PlanAnswer { plan, violations }: PlanAnswer) -> String {
    let others = if plan.additional_events { "; other events are allowed" } else { "" };
    let mut text = format!("Mode: {}, {} events{others}\n", plan.mode, plan.events.len());
    for (name, schema) in &plan.events {
        let field = |(name, inner): (&String, &PlanSchema)| {
            let types = inner.types.as_ref().map_or_else(|| "any".to_owned(), ToString::to_string);
            format!("{name}{}: {types}", if schema.required.contains(name) { "*" } else { "" })
        };
        let fields: Vec<String> = schema.properties.iter().map(field).collect();
        let _ = writeln!(text, "  {name}  {}", fields.join(", "));
    }
    if !violations.is_empty() {
        let mut rows = vec![["Event", "Field", "Reason", "Count", "Last"].map(String::from)];
        for ViolationCount { event, field, reason, count, last_at, .. } in violations {
            rows.push([event, field, reason, count.to_string(), time(Some(&last_at), &chrono::Local)]);
        }
        text.push('\n');
        text.push_str(&table(&rows, &[3]));
    }
    text.trim_end().to_owned()
}

fn check(file: &str, by: Option<&str>, api: &Api, output: Output) -> Result<(), Error> {
    let (events, by) = (events(&read(file)?)?, by.map(plan).transpose()?);
    let mut refused = 0;
    for (number, part) in events.chunks(EVENTS_A_CALL).enumerate() {
        let answer = api.post("/api/admin/plan/check", &json!({ "events": part, "plan": by }))?;
        let PlanChecked { refused: found, .. } = answer.read()?;
        refused += found.len();
        let line = |r: &PlanRefused| {
            let position = number * EVENTS_A_CALL + r.index + 1;
            let why: Vec<&str> = r.violations.iter().map(|v| v.message.as_str()).collect();
            format!("{position}. {}: {}", r.event_type, why.join("; "))
        };
        if output.json {
            output.text(answer.text.trim_end())?;
        } else if !found.is_empty() {
            output.text(&found.iter().map(line).collect::<Vec<_>>().join("\n"))?;
        }
    }
    if refused > 0 {
        return Err(Error::Failed(format!("{refused} of {} events violate the plan", events.len())));
    }
    if output.json { Ok(()) } else { output.text(&format!("All {} events match the plan.", events.len())) }
}

/// Parses events from any of the accepted formats.
fn events(text: &str) -> Result<Vec<Value>, Error> {
    let whole: Option<Value> = serde_json::from_str(text).ok();
    match whole {
        Some(Value::Array(events)) => return Ok(events),
        Some(Value::Object(mut one)) => {
            return Ok(match one.remove("events") {
                Some(Value::Array(events)) => events,
                _ => vec![Value::Object(one)],
            });
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => {}
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let read = lines.map(serde_json::from_str).collect::<Result<Vec<Value>, _>>();
    read.map_err(|error| Error::Usage(format!("could not parse the events: {error}")))
}

fn plan(file: &str) -> Result<PlanFile, Error> {
    serde_json::from_str(&read(file)?)
        .map_err(|error| Error::Usage(format!("{file} is not a plan, an object with events: {error}")))
}

fn read(file: &str) -> Result<String, Error> {
    let unreadable = |error| Error::Usage(format!("could not read {file}: {error}"));
    if file != "-" {
        return fs::read_to_string(file).map_err(unreadable);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_from_a_list_an_object_a_single_event_or_lines() {
        let one = json!({"eventType": "a"});
        for text in [
            r#"[{"eventType":"a"}]"#,
            r#"{"events":[{"eventType":"a"}]}"#,
            r#"{"eventType":"a"}"#,
            "{\"eventType\":\"a\"}\n\n",
        ] {
            assert_eq!(events(text).unwrap(), std::slice::from_ref(&one), "{text}");
        }
        assert_eq!(events("{\"eventType\":\"a\"}\n{\"eventType\":\"a\"}\n").unwrap().len(), 2);
        assert!(events("nothing").is_err());
    }
}
