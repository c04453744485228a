//! The forms of the identifiers that cross the network: companies, sessions, messages, e-mail
//! addresses.

use crate::hex::hex;
use crate::limits::{EMAIL_BYTES_MAX, MESSAGE_ID_BYTES_MAX, SESSION_ID_BYTES_MAX};
use crate::signature::sha256;

/// Prefix of the sessions that the Worker makes for server events. Public callers may not use it.
pub const SERVER_SESSION_PREFIX: &str = "webhook_";
/// Prefixes of the session ids that the Worker derives by a hash: of a user id, of an anonymous id
/// that cannot be a session id, and of a form.
const DERIVED_PREFIXES: [&str; 3] = ["user_", "anonymous_", "contact_"];
/// Hexadecimal digits of this hash.
const DERIVED_DIGITS: usize = 32;
/// Prefix of every company id.
pub const COMPANY_PREFIX: &str = "TM-";

/// Texts that broken clients send in place of a person's id. A person with such an id would be many
/// strangers in one.
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

/// `session_<unix s>_<random hex>`, the form that the browser SDK makes too.
#[must_use]
pub fn session_id(now_s: u64, random: [u8; 16]) -> String {
    format!("session_{now_s}_{}", hex(&random))
}

/// `webhook_<unix s>_<random hex>`, the session of one person's server events.
#[must_use]
pub fn server_session_id(now_s: i64, random: [u8; 16]) -> String {
    format!("{SERVER_SESSION_PREFIX}{now_s}_{}", hex(&random))
}

/// Whether this can be a session id: 1 to 128 bytes of letters, digits and `_ - . :`, and not a
/// placeholder.
#[must_use]
pub fn is_session(id: &str) -> bool {
    (1..=SESSION_ID_BYTES_MAX).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b))
        && !is_placeholder(id)
}

/// Whether a public caller may use this session id. It may use any except the ids that the Worker
/// makes: those of server sessions, and derived ones, which others could guess.
#[must_use]
pub fn is_public_session(id: &str) -> bool {
    is_session(id) && !id.starts_with(SERVER_SESSION_PREFIX) && !is_derived_session(id)
}

/// Whether the Worker derives such an id by a hash: `user_`, `anonymous_` or `contact_` and 32
/// hexadecimal digits.
fn is_derived_session(id: &str) -> bool {
    DERIVED_PREFIXES.iter().filter_map(|prefix| id.strip_prefix(prefix)).any(|digest| {
        digest.len() == DERIVED_DIGITS && digest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

/// The session id derived from another identifier; `kind` is the prefix without its `_`.
#[must_use]
pub fn derived_session(kind: &str, of: &[&[u8]]) -> String {
    let mut parts: Vec<&[u8]> = vec![kind.as_bytes()];
    for part in of {
        parts.extend([&[0][..], part]);
    }
    let digest = hex(&sha256(&parts));
    format!("{kind}_{}", digest.get(..DERIVED_DIGITS).unwrap_or_default())
}

/// Whether this can be a message id: 1 to 128 bytes without control characters.
#[must_use]
pub fn is_message_id(id: &str) -> bool {
    (1..=MESSAGE_ID_BYTES_MAX).contains(&id.len()) && !id.chars().any(char::is_control)
}

/// Whether this can be a company id: `TM-` and 4 to 32 of `A-Z 0-9`.
#[must_use]
pub fn is_company_id(id: &str) -> bool {
    id.strip_prefix(COMPANY_PREFIX).is_some_and(|rest| {
        (4..=32).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

/// Whether this is a text that broken clients send in place of an id.
#[must_use]
pub fn is_placeholder(id: &str) -> bool {
    let low = id.trim().to_lowercase();
    PLACEHOLDERS.contains(&low.as_str()) || low.bytes().all(|b| b == b'0' || b == b'-')
}

/// Why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailError {
    /// It does not have exactly one `@` with text on both sides, or it has blanks or control
    /// characters inside, or it is too long.
    Form,
    /// It is a placeholder such as `null` or `undefined@…`.
    Placeholder,
}

/// An address as people paste it, without what does not belong to it: characters of no width (the
/// byte order mark of a table, the joiners of a mail program), `mailto:`, the name and the brackets
/// of `Ann <ann@example.com>`, and a semicolon or comma from a list.
#[must_use]
pub fn email_typed(text: &str) -> String {
    let seen: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    let listed = |text: &str| text.trim().trim_end_matches([';', ',']).trim_end().to_owned();
    let mut address = listed(&seen);
    if let Some((_, inner)) = address.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        address = listed(inner);
    }
    match address.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => {
            let rest = address.get(7..).unwrap_or_default();
            rest.split('?').next().unwrap_or_default().trim().to_owned()
        }
        _ => address,
    }
}

/// Invisible characters: soft hyphen, characters of no width, direction marks, byte order mark.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

/// A host in one spelling: labels in the encoded form of the domain name system become letters
/// (`xn--mnchen-3ya.de` is `münchen.de`), and a dot at the end is removed.
fn host_key(host: &str) -> String {
    let labels = host.trim_end_matches('.').split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']);
    let label = |label: &str| match label.strip_prefix("xn--").and_then(punycode) {
        Some(letters) if !letters.is_ascii() => letters.to_lowercase(),
        Some(_) | None => label.to_owned(),
    };
    labels.map(label).collect::<Vec<_>>().join(".")
}

/// Decodes a label, without its `xn--`, to letters (Punycode, RFC 3492).
fn punycode(text: &str) -> Option<String> {
    const BASE: u32 = 36;
    let (basic, coded) = text.rsplit_once('-').unwrap_or(("", text));
    let mut letters: Vec<char> = basic.chars().collect();
    let (mut code, mut position, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = coded.chars();
    while !digits.as_str().is_empty() {
        let (before, mut weight) = (position, 1_u32);
        for step in 1_u32.. {
            let digit = match digits.next()? {
                c @ 'a'..='z' => u32::from(c) - u32::from('a'),
                c @ '0'..='9' => u32::from(c) - u32::from('0') + 26,
                _ => return None,
            };
            position = position.checked_add(digit.checked_mul(weight)?)?;
            let threshold = (step * BASE).saturating_sub(bias).clamp(1, 26);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(BASE - threshold)?;
        }
        let count = u32::try_from(letters.len()).ok()?.checked_add(1)?;
        let mut delta = if before == 0 { position / 700 } else { (position - before) / 2 };
        delta += delta / count;
        bias = 0;
        while delta > 455 {
            delta /= BASE - 1;
            bias += BASE;
        }
        bias += BASE * delta / (delta + 38);
        code = code.checked_add(position / count)?;
        position %= count;
        letters.insert(usize::try_from(position).ok()?, char::from_u32(code)?);
        position += 1;
    }
    Some(letters.into_iter().collect())
}

/// The identity key of an address that is already in NFC: the result of [`email_typed`] in lower
/// case, with one spelling of its host, at most 254 bytes. Dots and `+` stay as they are.
///
/// # Errors
/// [`EmailError`] when the text is not an address or is a placeholder.
pub fn email_key(nfc: &str) -> Result<String, EmailError> {
    let typed = email_typed(nfc).to_lowercase();
    if is_placeholder(&typed) && !typed.is_empty() {
        return Err(EmailError::Placeholder);
    }
    if typed.len() > EMAIL_BYTES_MAX || typed.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(EmailError::Form);
    }
    let (local, host) = typed.split_once('@').ok_or(EmailError::Form)?;
    if is_word(local) {
        return Err(EmailError::Placeholder);
    }
    let key = format!("{local}@{}", host_key(host));
    if local.is_empty() || key.ends_with('@') || host.contains('@') || key.len() > EMAIL_BYTES_MAX {
        return Err(EmailError::Form);
    }
    Ok(key)
}

/// The identity key of a company's id for a person: 1 to 254 bytes without control characters.
///
/// The key of an id that is an address is the key of that address ([`email_key`]). In any other id,
/// `@` is written `%40`: so the form of a key shows its kind. A `%40` that the id already has
/// becomes `%2540`: so two ids never have the same key.
///
/// # Errors
/// [`EmailError`] when the text is too long for a key or is a placeholder.
pub fn user_key(nfc: &str) -> Result<String, EmailError> {
    let id = nfc.trim();
    if is_placeholder(id) && !id.is_empty() {
        return Err(EmailError::Placeholder);
    }
    if id.is_empty() || id.len() > EMAIL_BYTES_MAX || id.chars().any(char::is_control) {
        return Err(EmailError::Form);
    }
    email_key(id).or_else(|_| Ok(without_at(id)))
}

/// Writes `@` as `%40`. A `%40`, `%2540`, … that is already there gets one more `25`; nothing else
/// changes.
fn without_at(id: &str) -> String {
    let mut key = String::with_capacity(id.len());
    for (position, letter) in id.char_indices() {
        let rest = id.get(position + letter.len_utf8()..).unwrap_or_default();
        match letter {
            '@' => key.push_str("%40"),
            '%' if rest.trim_start_matches("25").starts_with("40") => key.push_str("%25"),
            _ => key.push(letter),
        }
    }
    key
}

/// The kind of an identity key: `email` or `user`. The SQL statements use the same rule.
#[must_use]
pub fn key_kind(key: &str) -> &'static str {
    if key.contains('@') { "email" } else { "user" }
}

/// Words that only a broken template puts before an `@`. `guest@` and `email@` are real mailboxes.
fn is_word(local: &str) -> bool {
    ["null", "undefined", "nan", "[object object]"].contains(&local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_is_session_the_unix_time_and_random_hex() {
        let id = session_id(1_729_260_000, [0xab; 16]);
        assert_eq!(id, format!("session_1729260000_{}", "ab".repeat(16)));
        assert!(is_public_session(&id));
        assert!(is_public_session("session_123abc"));
    }

    #[test]
    fn a_public_caller_cannot_use_a_server_session_or_a_placeholder() {
        let derived = ["user", "anonymous", "contact"].map(|kind| derived_session(kind, &[b"u1"]));
        for id in &derived {
            assert!(is_session(id) && !is_public_session(id), "{id}");
            assert!(
                is_public_session(id.trim_end_matches(|c: char| c.is_ascii_hexdigit())),
                "only the exact form is reserved"
            );
        }
        assert!(is_public_session("user_1729260720"), "a company may use such ids for its own sessions");
        for id in ["webhook_1729260720_srv123", "null", "undefined", "", "a b", "0000", &"x".repeat(129)] {
            assert!(!is_public_session(id), "{id}");
        }
    }

    #[test]
    fn the_key_of_an_address_ignores_case_and_blanks() {
        assert_eq!(email_key("  Sarah@Example.COM "), Ok("sarah@example.com".into()));
        assert_eq!(email_key("a.b+c@x.io"), Ok("a.b+c@x.io".into()));
    }

    #[test]
    fn the_key_of_an_address_ignores_what_was_pasted_with_it() {
        for text in [
            "zed@example.com\u{200b}",
            "\u{feff}zed@example.com",
            "zed\u{2060}@exam\u{ad}ple.com\u{200e}",
            "mailto:Zed@example.com?subject=Hi",
            "MAILTO:zed@example.com",
            "<zed@example.com>",
            "Zed \"Z\" Lee <zed@example.com>",
            " Zed <mailto:zed@example.com> ;",
            "zed@example.com;",
            "zed@example.com, ",
            "zed@example.com.",
        ] {
            assert_eq!(email_key(text), Ok("zed@example.com".into()), "{text:?}");
        }
        assert_eq!(email_typed(" Zed <Zed@Example.com>; "), "Zed@Example.com");
        for bad in ["<>", "<@>", "mailto:", "a@.", "a@b@c>", "a <b@c", "ann@x.io; bob@x.io"] {
            assert!(email_key(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn all_spellings_of_a_host_have_the_same_key() {
        for (sent, key) in [
            ("a@xn--mnchen-3ya.de", "a@münchen.de"),
            ("a@XN--MNCHEN-3YA.DE", "a@münchen.de"),
            ("a@MÜNCHEN.de", "a@münchen.de"),
            ("a@xn--r8jz45g.xn--zckzah", "a@例え.テスト"),
            ("a@例え。テスト", "a@例え.テスト"),
            ("a@xn--e1afmkfd.xn--80akhbyknj4f", "a@пример.испытание"),
            ("a@xn--fsqu00a.xn--0zwm56d", "a@例子.测试"),
            ("a@mail.xn--strae-oqa.example", "a@mail.straße.example"),
            // A label that encodes no letters stays as it is.
            ("a@xn--.de", "a@xn--.de"),
            ("a@xn--abc-.de", "a@xn--abc-.de"),
            ("a@xn--99999999.de", "a@xn--99999999.de"),
            ("a@xn--a!b.de", "a@xn--a!b.de"),
        ] {
            assert_eq!(email_key(sent), Ok(key.into()), "{sent}");
            assert_eq!(email_key(key), Ok(key.into()), "{key}");
        }
        assert!(email_key(&format!("a@xn--{}.de", "9".repeat(240))).is_ok(), "the work is bounded and nothing panics");
    }

    #[test]
    fn a_text_that_is_not_an_address_is_refused() {
        for bad in ["", "sarah", "@x", "a@", "a@b@c", "a b@c.d", "a\u{0}@b.c", &format!("{}@x.io", "a".repeat(250))] {
            assert!(email_key(bad).is_err(), "{bad}");
        }
        for placeholder in ["null", "undefined", "anonymous", "[object Object]", "null@example.com", "00000000"] {
            assert_eq!(email_key(placeholder), Err(EmailError::Placeholder), "{placeholder}");
        }
    }

    #[test]
    fn a_user_id_keeps_its_case_unless_it_is_an_address() {
        assert_eq!(user_key(" User-7 "), Ok("User-7".into()));
        assert_eq!(user_key("Ada@Example.com"), Ok("ada@example.com".into()));
        assert_eq!(user_key("a@b@c"), Ok("a%40b%40c".into()));
        assert_eq!(user_key("50%off%4"), Ok("50%off%4".into()), "an ordinary id is its own key");
        for (key, kind) in [("ada@example.com", "email"), ("User-7", "user"), ("a%40b%40c", "user")] {
            assert_eq!(key_kind(key), kind);
        }
        for bad in ["", " ", "null", "0", "anonymous", "a\u{0}b", &"x".repeat(255)] {
            assert!(user_key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn two_user_ids_never_have_the_same_key() {
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
