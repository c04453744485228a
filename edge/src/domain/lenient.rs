//! Reads optional texts as forms, scripts and people send them. A line end in a name, or a number
//! instead of a text, must not cost a lead or a payment.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// How an optional text was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LenientText {
    /// Null or blank, which counts as left out.
    Missing,
    /// The whole text: trimmed, control characters as blanks, a number as its text.
    Whole(String),
    /// The beginning of a text that was too long.
    Cut(String),
    /// It is not a text.
    Unread,
}

/// Reads an optional text of at most `chars_max` characters.
#[must_use]
pub fn text(value: &Value, chars_max: usize) -> LenientText {
    let text = match value {
        Value::Null => return LenientText::Missing,
        Value::String(text) => text.replace(char::is_control, " "),
        Value::Number(number) => number.to_string(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => return LenientText::Unread,
    };
    let text = text.trim();
    if text.is_empty() {
        return LenientText::Missing;
    }
    match text.char_indices().nth(chars_max) {
        None => LenientText::Whole(text.to_owned()),
        Some((end, _)) => LenientText::Cut(text.get(..end).unwrap_or_default().trim_end().to_owned()),
    }
}

/// Reads an optional text of a body, a number as its text. `None` if it is neither.
///
/// # Errors
/// If it is not JSON.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<Value>::deserialize(deserializer)? {
        Some(Value::String(text)) => Some(text),
        Some(Value::Number(number)) => Some(number.to_string()),
        None | Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_optional_text_is_trimmed_cut_or_left_out() {
        let whole = |text: &str| LenientText::Whole(text.to_owned());
        for (value, read) in [
            (json!(null), LenientText::Missing),
            (json!(" \n"), LenientText::Missing),
            (json!("Ann Lee\n"), whole("Ann Lee")),
            (json!("Ann\tLee"), whole("Ann Lee")),
            (json!(42), whole("42")),
            (json!("ééééééé"), whole("ééééééé")),
            (json!("Ann Lee Smith"), LenientText::Cut("Ann Lee".to_owned())),
            (json!("éééééé éé"), LenientText::Cut("éééééé".to_owned())),
            (json!({"first": "Ann"}), LenientText::Unread),
            (json!([]), LenientText::Unread),
            (json!(true), LenientText::Unread),
        ] {
            assert_eq!(text(&value, 7), read, "{value}");
        }
    }
}
