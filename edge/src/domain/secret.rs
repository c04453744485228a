//! Secret keys of companies: what they may do, and finding them in data, for instance in an event
//! or in an address. No key may be stored, delivered or queued.

use serde::Deserialize;

/// The prefix of a server key. `http::auth` makes keys.
pub const SERVER: &str = "tm_live_";
/// The prefix of an admin key.
pub const ADMIN: &str = "tm_admin_";
/// Hexadecimal digits behind the prefix.
pub const DIGITS: usize = 40;
/// Digits that lists show, and that remain in a shortened key. They are enough to find the key and
/// revoke it.
pub const DIGITS_SHOWN: usize = 4;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Send server events.
    Server,
    /// Read and manage the company.
    Admin,
}

impl Scope {
    /// As in tables and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Admin => "admin",
        }
    }
}

/// The text with each key of TrackMate shortened to the part that lists show, and `***`, whichever
/// company it belongs to. JSON stays the same JSON otherwise.
#[must_use]
pub fn keys_shortened(text: String) -> String {
    if !is_in(&text) {
        return text;
    }
    let mut shortened = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, kind, after)) = next(rest) {
        shortened.push_str(before);
        shortened.push_str(kind);
        let digits = after.bytes().take_while(u8::is_ascii_hexdigit).count();
        let (shown, left) = if digits < DIGITS { (0, 0) } else { (DIGITS_SHOWN, digits) };
        shortened.push_str(after.get(..shown).unwrap_or_default());
        if left > 0 {
            shortened.push_str("***");
        }
        rest = after.get(left..).unwrap_or_default();
    }
    shortened.push_str(rest);
    shortened
}

/// Whether the text may contain a key.
#[must_use]
pub fn is_in(text: &str) -> bool {
    next(text).is_some()
}

/// The next prefix of a key, with the text before it and the text after it.
fn next(text: &str) -> Option<(&str, &'static str, &str)> {
    let found = [SERVER, ADMIN].into_iter().filter_map(|kind| text.find(kind).map(|place| (place, kind)));
    let (place, kind) = found.min()?;
    Some((text.get(..place)?, kind, text.get(place + kind.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_in_a_text_is_shortened_and_nothing_else_changes() {
        let digits = "0123456789abcdef0123456789abcdef01234567";
        let (server, admin) = (format!("{SERVER}{digits}"), format!("{ADMIN}{digits}"));
        let text = format!(r#"[{{"token":"{server}","{admin}":"https://x.io/?key={server}&é"}}, "{server}{admin}"]"#);
        let cut = r#"[{"token":"tm_live_0123***","tm_admin_0123***":"https://x.io/?key=tm_live_0123***&é"}, "tm_live_0123***tm_admin_0123***"]"#;
        assert_eq!(keys_shortened(text), cut);
        for whole in ["", "{}", "tm_", "tm_live_", "tm_live_nothing", "tm_live_tm_admin_é", &format!("tm_{digits}")] {
            assert_eq!(keys_shortened(whole.to_owned()), whole);
        }
    }
}
