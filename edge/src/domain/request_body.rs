//! Reads the JSON of a request's body into a type, and single fields of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::problem::{Code, Problem};

use super::clock;

/// Reads JSON text into a request type.
pub fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| shape(&error))
}

fn shape(error: &serde_json::Error) -> Problem {
    let what = if error.is_data() { "the body has not the expected form" } else { "the body is not JSON" };
    Problem::new(Code::InvalidJson, format!("{what} (line {}, column {})", error.line(), error.column()))
}

/// Reads a change by an admin. An unknown or invalid field is rejected by its name, because nobody
/// must wrongly believe that a field is set.
pub fn change<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let whole = match serde_json::from_str(text) {
        Err(error) if error.is_data() => error,
        read => return read.map_or_else(|_| parse(text), Ok),
    };
    let members: BTreeMap<String, &RawValue> = parse(text)?;
    // Alone, a member shows its own error, or only that others are missing.
    let fault = |(name, raw): &(&String, &&RawValue)| {
        let alone = serde_json::to_string(&BTreeMap::from([(name, raw)])).ok()?;
        let error = serde_json::from_str::<T>(&alone).err()?.to_string();
        (!error.starts_with("missing field")).then_some(error)
    };
    let found = members.iter().find_map(|member| Some((member.0, fault(&member)?)));
    let Some((name, error)) = found else { return Err(shape(&whole)) };
    let what =
        if error.starts_with("unknown field") { "there is no such field" } else { "this has not the expected form" };
    let message = format!("{name}: {what} ({})", error.split(" at line ").next().unwrap_or_default());
    Err(Problem { path: Some(name.clone()), ..Problem::new(Code::InvalidField, message) })
}

/// Returns a text field that is required.
pub fn required(value: Option<String>, field: &'static str) -> Result<String, Problem> {
    value
        .filter(|v| !v.trim().is_empty())
        .ok_or_else(|| Problem::field(Code::MissingField, field, format!("{field} is missing")))
}

/// Reads `sentAt`. An invalid time corrects nothing, because it must not cost events.
pub fn sent_ms(value: Option<&Value>) -> Option<i64> {
    value.and_then(clock::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read")]
    struct Change {
        name: Option<String>,
        size: u32,
    }

    #[test]
    fn an_invalid_change_is_rejected_by_the_name_of_its_field() {
        for (text, code, field) in [
            (r#"{"size":1,"nope":1}"#, Code::InvalidField, Some("nope")),
            (r#"{"size":"x"}"#, Code::InvalidField, Some("size")),
            (r#"{"name":5,"size":1}"#, Code::InvalidField, Some("name")),
            (r#"{"name":"x"}"#, Code::InvalidJson, None),
            ("[]", Code::InvalidJson, None),
            ("{", Code::InvalidJson, None),
        ] {
            let problem = change::<Change>(text).unwrap_err();
            assert_eq!((problem.code, problem.path_or_field()), (code, field), "{text}: {}", problem.message);
        }
        assert!(change::<Change>(r#"{"name":null,"size":1}"#).is_ok());
    }
}
