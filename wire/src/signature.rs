//! How a delivery is signed. There are two signatures over the same bytes.
//!
//! - `X-Webhook-Signature`: lower-case hex of HMAC-SHA256(key = the UTF-8 bytes of the whole secret
//!   string, message = the body).
//! - Standard Webhooks (<https://www.standardwebhooks.com>): `webhook-signature: v1,<base64>` of
//!   HMAC-SHA256(key = the base64 part of `whsec_…` decoded, message =
//!   `<webhook-id>.<webhook-timestamp>.<body>`). The timestamp is unix seconds.

use base64ct::{Base64, Encoding};
use ctutils::CtEq;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::hex::hex;

/// Prefix of a webhook's secret (Standard Webhooks).
pub const SECRET_PREFIX: &str = "whsec_";

/// `whsec_` and the base64 of 24 random bytes.
#[must_use]
pub fn secret(random: [u8; 24]) -> String {
    format!("{SECRET_PREFIX}{}", Base64::encode_string(&random))
}

/// The value of `X-Webhook-Signature`.
#[must_use]
pub fn hex_signature(secret: &str, body: &[u8]) -> String {
    hex(&mac(secret.as_bytes(), &[body]))
}

/// The value of `webhook-signature` for one secret. A secret that is not `whsec_` and base64 is
/// used as its UTF-8 bytes.
#[must_use]
pub fn standard_signature(secret: &str, id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let decoded = secret.strip_prefix(SECRET_PREFIX).and_then(|text| Base64::decode_vec(text).ok());
    let key = decoded.as_deref().unwrap_or(secret.as_bytes());
    let head = format!("{id}.{timestamp_s}.");
    format!("v1,{}", Base64::encode_string(&mac(key, &[head.as_bytes(), body])))
}

/// SHA-256 of the parts, concatenated.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// SHA-256 as lower-case hex. Keys are stored in this form.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&sha256(&[bytes]))
}

/// SHA-256 of bytes that arrive in pieces.
#[derive(Clone, Default)]
pub struct Digested(Sha256);

impl Digested {
    /// Adds the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all pieces so far, lower-case hex.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&<[u8; 32]>::from(self.0.clone().finalize()))
    }
}

/// Whether two texts are equal, in time that depends on their lengths only.
#[must_use]
pub fn constant_time_eq(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).to_bool()
}

/// HMAC takes a key of any length, so the error arm is unreachable. It returns nothing rather than
/// panic.
fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The expected values come from `openssl dgst -sha256 -hmac` (hex) and from the test vector of
    // the Standard Webhooks reference libraries (v1).
    #[test]
    fn the_hex_signature_matches_openssl() {
        assert_eq!(
            hex_signature("whsec_test", br#"{"event":"x"}"#),
            "1fb1b5ffa72be9697ddabdd345f5aa0d77a10a27a45597350ecd80d32fe6c146"
        );
    }

    #[test]
    fn the_standard_signature_matches_the_published_vector() {
        assert_eq!(
            standard_signature(
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                br#"{"test": 2432232314}"#
            ),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn constant_time_eq_compares_whole_texts() {
        assert!(constant_time_eq("abc", "abc"));
        assert!(!constant_time_eq("abc", "abd"));
        assert!(!constant_time_eq("abc", "abcd"));
    }
}
