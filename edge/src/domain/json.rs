//! Turns the JSON that senders write into JSON that every reader accepts.
//!
//! The grammar of JSON allows texts that many readers refuse: half of a surrogate pair (from an
//! emoji that was cut), a number beyond a double, an object with the same name twice. Python also
//! writes `NaN` and `Infinity`. Bodies are normalised here, once, when they arrive:
//!
//! - Half of a pair becomes U+FFFD, in values and in names.
//! - A number beyond a double, `NaN`, `Infinity` and `-Infinity` become null.
//! - Of several members with one name the last counts, as in browsers. The others are left out.
//!
//! Everything else stays exactly as sent: `79.990`, `-0`, integers of many digits, escaped control
//! characters. A text that is invalid for another reason stays unchanged, and the JSON parser
//! rejects it.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

/// Replaces half of a surrogate pair.
const REPLACEMENT: &str = "\u{fffd}";
/// Digits that a number may have without a check. A double can have at least this many before its
/// point.
const DIGITS_SURE: usize = 300;

/// The normalised text: what some readers refuse is replaced. Most texts need no replacement and
/// are not copied.
#[must_use]
pub fn normalised(text: &str) -> Cow<'_, str> {
    let mut scan = Scan { text, bytes: text.as_bytes(), ..Scan::default() };
    scan.run();
    if scan.edits.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(scan.apply_edits()) }
}

/// Parses a stored text. Texts that were stored before bodies were normalised may contain anything.
/// A text that is not JSON becomes null.
#[must_use]
pub fn value(text: &str) -> Value {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&normalised(text))).unwrap_or_default()
}

/// A stored text as raw JSON. It may also have been stored before bodies were normalised.
///
/// # Errors
/// If it is not JSON.
pub fn raw(text: String) -> serde_json::Result<Box<RawValue>> {
    RawValue::from_string(match normalised(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(normalised) => normalised,
    })
}

/// The replacement of the bytes from `from` to `to`.
struct Edit {
    from: usize,
    to: usize,
    with: &'static str,
}

/// The name of a member in an open object.
struct Member {
    /// The hash of the name without its escapes.
    hash: u64,
    from: usize,
    /// The place where the next member begins.
    next: usize,
}

#[derive(Default)]
struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    edits: Vec<Edit>,
    /// For each open bracket, the number of members that were open before it. `None` for an array.
    open: Vec<Option<usize>>,
    /// The members of all open objects. Those of the innermost object are last.
    members: Vec<Member>,
}

impl Scan<'_> {
    fn run(&mut self) {
        let mut names = false;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => {
                    let from = self.at;
                    self.string();
                    if std::mem::take(&mut names) {
                        self.name(from);
                    }
                }
                b'{' => {
                    self.open.push(Some(self.members.len()));
                    names = true;
                    self.at += 1;
                }
                b'[' => {
                    self.open.push(None);
                    names = false;
                    self.at += 1;
                }
                b'}' | b']' => {
                    if let Some(Some(before)) = self.open.pop() {
                        self.close(before);
                    }
                    names = false;
                    self.at += 1;
                }
                b',' => {
                    names = matches!(self.open.last(), Some(Some(_)));
                    self.at += 1;
                }
                b'-' | b'0'..=b'9' | b'N' | b'I' => self.number(),
                _ => self.at += 1,
            }
        }
    }

    /// Moves behind the string that begins here.
    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return;
                }
                b'\\' => self.escape(),
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) {
        let from = self.at;
        self.at += match self.unit(from) {
            Some(0xd800..=0xdbff) if matches!(self.unit(from + 6), Some(0xdc00..=0xdfff)) => 12,
            Some(0xd800..=0xdfff) => {
                self.edits.push(Edit { from, to: from + 6, with: REPLACEMENT });
                6
            }
            Some(_) | None => 2,
        };
    }

    /// The UTF-16 unit of the escape at this place.
    fn unit(&self, from: usize) -> Option<u16> {
        let digits = self.bytes.get(from..from + 6)?.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | u16::try_from(char::from(*digit).to_digit(16)?).ok()?))
    }

    fn number(&mut self) {
        let from = self.at;
        let rest = self.bytes.get(from..).unwrap_or_default();
        let unsigned = rest.strip_prefix(b"-").unwrap_or(rest);
        let word = if rest.starts_with(b"NaN") {
            3
        } else if unsigned.starts_with(b"Infinity") {
            rest.len() - unsigned.len() + 8
        } else {
            0
        };
        let is_of_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        let length = if word > 0 { word } else { rest.iter().take_while(|byte| is_of_number(byte)).count() };
        // Any other letter is not JSON.
        self.at += length.max(1);
        let token = self.text.get(from..self.at).unwrap_or_default();
        let may_be_beyond = || length > DIGITS_SURE || token.contains(['e', 'E']);
        if word > 0 || may_be_beyond() && is_beyond(token) {
            self.edits.push(Edit { from, to: self.at, with: "null" });
        }
    }

    /// Adds the name that began here and ends before this place.
    fn name(&mut self, from: usize) {
        let before = self.open.last().copied().flatten().unwrap_or_default();
        if self.members.len() > before
            && let Some(last) = self.members.last_mut()
        {
            last.next = from;
        }
        let name = name(self.text.get(from..self.at).unwrap_or_default());
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        self.members.push(Member { hash, from, next: from });
    }

    /// Removes the members of the ending object whose name occurs again after them.
    fn close(&mut self, before: usize) {
        let mut members = self.members.split_off(before.min(self.members.len()));
        members.sort_unstable_by_key(|member| (member.hash, member.from));
        for pair in members.windows(2) {
            let [first, second] = pair else { continue };
            if first.hash == second.hash && self.name_at(first.from) == self.name_at(second.from) {
                self.edits.push(Edit { from: first.from, to: first.next, with: "" });
            }
        }
    }

    /// The name that begins here.
    fn name_at(&self, from: usize) -> Cow<'_, str> {
        let mut scan = Scan { text: self.text, bytes: self.bytes, at: from, ..Scan::default() };
        scan.string();
        name(self.text.get(from..scan.at).unwrap_or_default())
    }

    fn apply_edits(mut self) -> String {
        // A removed member may contain other edits.
        self.edits.sort_unstable_by_key(|edit| (edit.from, std::cmp::Reverse(edit.to)));
        let (mut out, mut at) = (String::with_capacity(self.text.len()), 0);
        for edit in &self.edits {
            if edit.from < at {
                continue;
            }
            out.push_str(self.text.get(at..edit.from).unwrap_or_default());
            out.push_str(edit.with);
            at = edit.to;
        }
        out.push_str(self.text.get(at..).unwrap_or_default());
        out
    }
}

/// Whether this is a number that no double can have.
fn is_beyond(token: &str) -> bool {
    serde_json::from_str::<f64>(token).is_err() && serde_json::from_str::<&RawValue>(token).is_ok()
}

/// A name without its quotes and escapes.
fn name(quoted: &str) -> Cow<'_, str> {
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted);
    if inner.contains('\\') {
        serde_json::from_str(&normalised(quoted)).map_or(Cow::Borrowed(inner), Cow::Owned)
    } else {
        Cow::Borrowed(inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn json_that_every_reader_accepts_stays_unchanged() {
        for text in [
            r#"{"price":79.990,"zero":-0,"big":12345678901234567890,"s":"é\u0000\ud83d\ude00 \\ud83d","n":[1e300,1E-999,null]}"#,
            r#"{"a":{"a":1},"b":[{"a":1},{"a":2}],"A":1,"":0}"#,
            r#" [ "NaN", "Infinity", "1e400", true ] "#,
            "",
            "5",
            "{",
            "[1,",
            r#"{"a"#,
            r#""\"#,
            r#""\u12"#,
            "Nope",
            "In",
            "-",
            "--",
            "1e",
            "}",
            "]]}",
        ] {
            assert!(matches!(normalised(text), Cow::Borrowed(same) if same == text), "{text}");
        }
        assert_eq!(normalised(&"9".repeat(309)), "null");
        assert!(matches!(normalised(&"9".repeat(308)), Cow::Borrowed(_)), "308 digits are a double");
    }

    #[test]
    fn json_that_some_readers_refuse_is_replaced() {
        for (text, expected) in [
            (r#"{"a":"x\ud83d"}"#, "{\"a\":\"x\u{fffd}\"}"),
            (
                r#"["\uD83D\uD83D\uDE00","\ude00x","\ud83dA","\ud83d\n","\ud83d\u0041"]"#,
                "[\"\u{fffd}\\uD83D\\uDE00\",\"\u{fffd}x\",\"\u{fffd}A\",\"\u{fffd}\\n\",\"\u{fffd}\\u0041\"]",
            ),
            (r#"{"k\ud800":1}"#, "{\"k\u{fffd}\":1}"),
            ("[1e400,-1E+999,1e308,NaN,Infinity,-Infinity]", "[null,null,1e308,null,null,null]"),
            ("NaN", "null"),
            (r#"{"amount":5,"amount":7}"#, r#"{"amount":7}"#),
            (r#"{"a":{"x":"\ud800"},"b":1,"a":2 , "a" :3}"#, r#"{"b":1,"a" :3}"#),
            (r#"{"a":1,"\u0061":2}"#, r#"{"\u0061":2}"#),
            (r#"{"k\ud800":1,"k\ud801":2}"#, "{\"k\u{fffd}\":2}"),
            (r#"[{"a":[{"b":1,"b":[1,2]}],"a":{"b":1,"b":2}}]"#, r#"[{"a":{"b":2}}]"#),
        ] {
            assert_eq!(normalised(text), expected, "{text}");
            serde_json::from_str::<Value>(&normalised(text)).unwrap();
        }
    }

    #[test]
    fn texts_stored_before_bodies_were_normalised_can_be_read() {
        assert_eq!(value(r#"{"a":"\ud800","b":1e999,"c":1}"#), json!({"a": "\u{fffd}", "b": null, "c": 1}));
        assert_eq!(value("{"), Value::Null);
        assert_eq!(raw(r#"{"a": "\ud800"}"#.to_owned()).unwrap().get(), "{\"a\": \"\u{fffd}\"}");
        assert!(raw("{".to_owned()).is_err());
    }

    #[test]
    fn the_work_depends_only_on_the_length_of_the_body() {
        let many: String = (0..100_000).map(|n| format!("\"{}\":1e999,", n % 50_000)).collect();
        let started = std::time::Instant::now();
        let text = normalised(&format!("{{{many}\"x\":1}}")).into_owned();
        assert_eq!(serde_json::from_str::<serde_json::Map<_, _>>(&text).unwrap().len(), 50_001);
        let _ = normalised(&"[{\"a\":".repeat(100_000));
        let _ = normalised(&"\\u0061".repeat(100_000));
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }

    fn any() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "1",
            "-0",
            "1e400",
            "-1e999",
            "NaN",
            "-Infinity",
            "\"\\ud83d\"",
            "\"\\ud83d\\ude00\"",
            "\"é\\u0000\\\\\"",
            "null",
            "true",
        ]);
        leaf.prop_map(str::to_owned).prop_recursive(5, 40, 6, |inner| {
            let name = prop::sample::select(vec!["a", "b", "\\u0061", "\\ud800", "\\ud801", ""]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(", "))),
                prop::collection::vec((name, inner), 0..6).prop_map(|members| {
                    let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\" : {value}")).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    /// The number of members and items.
    fn size(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.len() + items.iter().map(size).sum::<usize>(),
            Value::Object(members) => members.len() + members.values().map(size).sum::<usize>(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        }
    }

    proptest! {
        #[test]
        fn every_reader_accepts_the_result_and_normalising_it_again_changes_nothing(text in any()) {
            let once = normalised(&text).into_owned();
            let parsed: Value = serde_json::from_str(&once).unwrap();
            prop_assert_eq!(normalised(&once), once.as_str());
            // No name remains twice: a reader with unique names finds as many.
            let colons = once.matches(" : ").count();
            let commas = once.matches(", ").count();
            prop_assert!(size(&parsed) >= colons + commas, "{}", once);
        }

        #[test]
        fn no_text_makes_it_panic(text in r#"[\[\]{}",:\\uNI\-0-9eEd8a ]{0,60}"#) {
            let _ = normalised(&text);
        }
    }
}
