//! The forms of the identifiers that cross the network: companies, sessions, messages, e-mail addresses.

use crate::limits::{EMAIL_BYTES_MAX, MESSAGE_ID_BYTES_MAX, SESSION_ID_BYTES_MAX};
use crate::signature::sha256;

/// What every session made by the Worker for server events begins with. Public callers may not use it.
pub const SERVER_SESSION_PREFIX: &str = "webhook_";
/// What the sessions begin with that the Worker names by a hash of what it was told: of a user id, of a visitor's id
/// that can be no session's, of a form.
const DERIVED_PREFIXES: [&str; 3] = ["user_", "anonymous_", "contact_"];
/// Hexadecimal digits of such a hash.
const DERIVED_DIGITS: usize = 32;
/// What every company id begins with.
pub const COMPANY_PREFIX: &str = "TM-";

/// Ids that broken clients send in place of a person; taking one for a person would fuse strangers.
const PLACEHOLDERS: [&str; 16] = [
    "null",
    "undefined",
    "none",
    "nil",
    "nan",
    "0",
    "-1",
    "true",
    "false",
    "anonymous",
    "guest",
    "unknown",
    "email",
    "[object object]",
    "not_authenticated",
    "distinct_id",
];

/// `session_<unix s>_<random hex>`, the form of seed 000, which the browser SDK makes too.
#[must_use]
pub fn session_id(now_s: u64, random: [u8; 16]) -> String {
    format!("session_{now_s}_{}", hex(&random))
}

/// `webhook_<unix s>_<random hex>`, the session that gathers one person's server events.
#[must_use]
pub fn server_session_id(now_s: i64, random: [u8; 16]) -> String {
    format!("{SERVER_SESSION_PREFIX}{now_s}_{}", hex(&random))
}

/// Whether this may be a session id: 1 to 128 bytes of letters, digits and `_ - . :`, not a placeholder.
#[must_use]
pub fn is_session(id: &str) -> bool {
    (1..=SESSION_ID_BYTES_MAX).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b))
        && !is_placeholder(id)
}

/// Whether a public caller may name this session: any but those that the Worker names itself, a server session or a
/// derived one, whose names others can work out.
#[must_use]
pub fn is_public_session(id: &str) -> bool {
    is_session(id) && !id.starts_with(SERVER_SESSION_PREFIX) && !is_derived_session(id)
}

/// Whether this is a name that the Worker makes of a hash: `user_`, `anonymous_` or `contact_` and 32 hexadecimal
/// digits.
fn is_derived_session(id: &str) -> bool {
    DERIVED_PREFIXES.iter().filter_map(|prefix| id.strip_prefix(prefix)).any(|digest| {
        digest.len() == DERIVED_DIGITS && digest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

/// The name of a session that is known by something else; `kind` is the prefix without its `_`.
#[must_use]
pub fn derived_session(kind: &str, of: &[&[u8]]) -> String {
    let mut parts: Vec<&[u8]> = vec![kind.as_bytes()];
    for part in of {
        parts.extend([&[0][..], part]);
    }
    let digest = hex(&sha256(&parts));
    format!("{kind}_{}", digest.get(..DERIVED_DIGITS).unwrap_or_default())
}

/// Whether this may be a message id: 1 to 128 bytes without control characters.
#[must_use]
pub fn is_message_id(id: &str) -> bool {
    (1..=MESSAGE_ID_BYTES_MAX).contains(&id.len()) && !id.chars().any(char::is_control)
}

/// Whether this may be a company id: `TM-` and 4 to 32 of `A-Z 0-9`.
#[must_use]
pub fn is_company_id(id: &str) -> bool {
    id.strip_prefix(COMPANY_PREFIX).is_some_and(|rest| {
        (4..=32).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

/// Whether broken clients send this text in place of an id.
#[must_use]
pub fn is_placeholder(id: &str) -> bool {
    let low = id.trim().to_lowercase();
    PLACEHOLDERS.contains(&low.as_str()) || low.bytes().all(|b| b == b'0' || b == b'-')
}

/// Why an address is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailError {
    /// Not an address: no single `@` with something on both sides, blanks or control characters inside, or too long.
    Form,
    /// A placeholder such as `null` or `undefined@…`.
    Placeholder,
}

/// The lookup key of an address that is already in NFC: trimmed and lower-cased, at most 254 bytes. No folding of dots or `+`.
///
/// # Errors
/// [`EmailError`] when the text is no address or stands for none.
pub fn email_key(nfc: &str) -> Result<String, EmailError> {
    let key = nfc.trim().to_lowercase();
    if is_placeholder(&key) {
        return Err(EmailError::Placeholder);
    }
    if key.len() > EMAIL_BYTES_MAX || key.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(EmailError::Form);
    }
    match key.split_once('@') {
        Some((local, _)) if is_word(local) => Err(EmailError::Placeholder),
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !domain.contains('@') => Ok(key),
        _ => Err(EmailError::Form),
    }
}

/// The lookup key of a company's own id for a person, 1 to 254 bytes without control characters. An id that is an address is that address (its `email_key`);
/// in any other, `@` is spelled `%40`, so that a key's form says what it is of, and a `%40` of its own `%2540`, so that
/// no two ids have one key.
///
/// # Errors
/// [`EmailError`] when the text is too long for a key or stands for nobody.
pub fn user_key(nfc: &str) -> Result<String, EmailError> {
    let id = nfc.trim();
    if is_placeholder(id) {
        return Err(EmailError::Placeholder);
    }
    if id.len() > EMAIL_BYTES_MAX || id.chars().any(char::is_control) {
        return Err(EmailError::Form);
    }
    email_key(id).or_else(|_| Ok(without_at(id)))
}

/// Spells `@` as `%40`. What is spelled so already (`%40`, `%2540`, …) gets a `25` more, and nothing else changes.
fn without_at(id: &str) -> String {
    let mut key = String::with_capacity(id.len());
    for (place, letter) in id.char_indices() {
        let rest = id.get(place + letter.len_utf8()..).unwrap_or_default();
        match letter {
            '@' => key.push_str("%40"),
            '%' if rest.trim_start_matches("25").starts_with("40") => key.push_str("%25"),
            _ => key.push(letter),
        }
    }
    key
}

/// What a lookup key is of: `email` or `user`. The statements that take one say the same in SQL.
#[must_use]
pub fn key_kind(key: &str) -> &'static str {
    if key.contains('@') { "email" } else { "user" }
}

/// Words that only a broken template puts before an `@`; `guest@` and `email@` are real mailboxes.
fn is_word(local: &str) -> bool {
    ["null", "undefined", "nan", "[object object]"].contains(&local)
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|nibble| char::from(hex_digit(nibble))).collect()
}

const fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_has_the_form_of_the_seed() {
        let id = session_id(1_729_260_000, [0xab; 16]);
        assert_eq!(id, format!("session_1729260000_{}", "ab".repeat(16)));
        assert!(is_public_session(&id));
        assert!(is_public_session("session_123abc"));
    }

    #[test]
    fn a_public_caller_cannot_name_a_server_session_or_a_placeholder() {
        let derived = ["user", "anonymous", "contact"].map(|kind| derived_session(kind, &[b"u1"]));
        for id in &derived {
            assert!(is_session(id) && !is_public_session(id), "{id}");
            assert!(is_public_session(id.trim_end_matches(|c: char| c.is_ascii_hexdigit())), "only the very form");
        }
        assert!(is_public_session("user_1729260720"), "a company may name its own sessions so");
        for id in ["webhook_1729260720_srv123", "null", "undefined", "", "a b", "0000", &"x".repeat(129)] {
            assert!(!is_public_session(id), "{id}");
        }
    }

    #[test]
    fn an_address_is_found_however_it_is_typed() {
        assert_eq!(email_key("  Sarah@Example.COM "), Ok("sarah@example.com".into()));
        assert_eq!(email_key("a.b+c@x.io"), Ok("a.b+c@x.io".into()));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in ["", "sarah", "@x", "a@", "a@b@c", "a b@c.d", "a\u{0}@b.c", &format!("{}@x.io", "a".repeat(250))] {
            assert!(email_key(bad).is_err(), "{bad}");
        }
        for placeholder in ["null", "undefined", "anonymous", "[object Object]", "null@example.com", "00000000"] {
            assert_eq!(email_key(placeholder), Err(EmailError::Placeholder), "{placeholder}");
        }
    }

    #[test]
    fn a_user_id_keeps_its_letters_and_is_an_address_only_if_it_is_one() {
        assert_eq!(user_key(" User-7 "), Ok("User-7".into()));
        assert_eq!(user_key("Ada@Example.com"), Ok("ada@example.com".into()));
        assert_eq!(user_key("a@b@c"), Ok("a%40b%40c".into()));
        assert_eq!(user_key("50%off%4"), Ok("50%off%4".into()), "an ordinary id is its key");
        for (key, kind) in [("ada@example.com", "email"), ("User-7", "user"), ("a%40b%40c", "user")] {
            assert_eq!(key_kind(key), kind);
        }
        for bad in ["", " ", "null", "0", "anonymous", "a\u{0}b", &"x".repeat(255)] {
            assert!(user_key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_two_user_ids_have_one_key() {
        let parts = ["@", "%", "25", "40", "a"];
        let mut ids = vec![String::new()];
        for _ in 0..5 {
            let longer = ids.iter().flat_map(|id| parts.iter().map(move |part| format!("{id}{part}")));
            ids = longer.collect();
        }
        ids.sort_unstable();
        ids.dedup();
        let keys: std::collections::BTreeSet<String> = ids.iter().map(|id| without_at(id)).collect();
        assert_eq!(keys.len(), ids.len());
        assert!(keys.iter().all(|key| !key.contains('@')));
    }

    #[test]
    fn a_company_id_is_tm_and_capitals() {
        assert!(is_company_id("TM-SHOP99"));
        assert!(is_company_id("TM-DEMO"));
        for bad in ["TM-", "TM-abc1", "SHOP99", "TM-A B1"] {
            assert!(!is_company_id(bad), "{bad}");
        }
    }
}
