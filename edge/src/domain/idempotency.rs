//! `Idempotency-Key`: how the header is read, what counts as the same request, and which answers a
//! repeated request gets again. After the draft of the IETF, draft-ietf-httpapi-idempotency-key.

use trackmate_wire::hex::hex;
use trackmate_wire::limits::IDEMPOTENCY_KEY_CHARS_MAX;
use trackmate_wire::signature::sha256;

/// Reads the value of the header: 1 to 255 visible ASCII characters, plain or as a string of
/// structured fields (RFC 9651). `None` if it is anything else.
#[must_use]
pub fn key(header: &str) -> Option<String> {
    let header = header.trim();
    let key = match header.strip_prefix('"') {
        Some(rest) => unescaped(rest.strip_suffix('"')?)?,
        None => header.to_owned(),
    };
    let is_valid = (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    is_valid.then_some(key)
}

/// The content of a string of structured fields.
fn unescaped(text: &str) -> Option<String> {
    let (mut key, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        key.push(match c {
            '"' => return None,
            '\\' => chars.next().filter(|escaped| matches!(escaped, '"' | '\\'))?,
            _ => c,
        });
    }
    Some(key)
}

/// What is stored of a key and its request. Without the key, nobody can find out the request by
/// guessing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashes {
    /// SHA-256 of the key, hex.
    pub key: String,
    /// SHA-256 of the key, the path and the body, hex.
    pub request: String,
}

impl Hashes {
    /// Hashes a request. The path has the query.
    #[must_use]
    pub fn new(key: &str, path: &str, body: &[u8]) -> Self {
        // Neither a key nor a path has a line break.
        let request = sha256(&[b"trackmate request 1\n", key.as_bytes(), b"\n", path.as_bytes(), b"\n", body]);
        Self { key: hex(&sha256(&[b"trackmate key 1\n", key.as_bytes()])), request: hex(&request) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_plain_and_as_a_string_of_structured_fields() {
        let longest = "k".repeat(255);
        for (header, expected) in [
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            ("\"8e03978e\"", "8e03978e"),
            ("  a  ", "a"),
            (r#""a\"b\\c""#, r#"a"b\c"#),
            (r#"a"b"#, r#"a"b"#),
            (&longest, &longest),
            (&format!("\"{longest}\""), &longest),
        ] {
            assert_eq!(key(header).as_deref(), Some(expected), "{header}");
        }
    }

    #[test]
    fn a_key_that_is_empty_too_long_or_not_visible_ascii_is_refused() {
        let long = "k".repeat(256);
        for header in
            ["", "  ", "\"\"", "\"", "a b", "one, two", "ä", "a\u{7f}", "\"a", r#""a\""#, r#""a\b""#, r#""a"b""#]
        {
            assert_eq!(key(header), None, "{header}");
        }
        assert_eq!(key(&long), None);
        assert_eq!(key(&format!("\"{long}\"")), None);
    }

    #[test]
    fn another_key_path_or_body_is_another_request() {
        let one = Hashes::new("k", "/api/admin/keys", b"{}");
        assert_eq!(one, Hashes::new("k", "/api/admin/keys", b"{}"));
        for other in [
            Hashes::new("K", "/api/admin/keys", b"{}"),
            Hashes::new("k", "/api/admin/webhooks", b"{}"),
            Hashes::new("k", "/api/admin/keys", b"{ }"),
            Hashes::new("k", "/api/admin/keys", b""),
        ] {
            assert_ne!(one.request, other.request);
        }
        assert_eq!(one.key, Hashes::new("k", "/api/admin/webhooks", b"").key);
        assert!(!one.request.contains(&one.key));
    }
}
