//! Secrets at rest. The deployment's key seals webhook secrets and the values of custom headers.
//!
//! A sealed value is `sealed1:` and the base64 of a 24-byte nonce and the XChaCha20-Poly1305
//! ciphertext. The subscription of the secret is authenticated too, so a sealed value that is moved
//! to another row cannot be opened. A value without the prefix was stored before there was a key,
//! and is plain text.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use trackmate_wire::hex::hex;
use trackmate_wire::signature::sha256;

const PREFIX: &str = "sealed1:";

/// A sealed value could not be opened, because of another key, another row, or damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unopened;

/// The keys of a deployment: the current one, which seals, and the previous one, which still opens.
#[derive(Clone)]
pub struct Vault {
    key: XChaCha20Poly1305,
    old: Option<XChaCha20Poly1305>,
    /// Identifies the current key.
    key_id: String,
}

impl Vault {
    /// Makes the keys from the deployment's secrets, which are texts of any length with enough
    /// randomness.
    #[must_use]
    pub fn new(secret: &str, old_secret: Option<&str>) -> Self {
        let cipher = |text: &str| XChaCha20Poly1305::new(&sha256(&[b"trackmate vault 1:", text.as_bytes()]).into());
        let key_id = hex(&sha256(&[b"trackmate vault id 1:", secret.as_bytes()]));
        Self { key: cipher(secret), old: old_secret.map(cipher), key_id }
    }

    /// Identifies the current key, and does not reveal it: a hash.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Seals a value for its owner (`company/subscription`). An empty value, which means none,
    /// stays empty.
    #[must_use]
    pub fn seal(&self, owner: &str, value: &str, nonce: [u8; 24]) -> String {
        if value.is_empty() {
            return String::new();
        }
        let payload = Payload { msg: value.as_bytes(), aad: owner.as_bytes() };
        // Sealing only fails for values larger than 256 GB.
        let sealed = self.key.encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
        format!("{PREFIX}{}", Base64::encode_string(&[nonce.as_slice(), &sealed].concat()))
    }

    /// Opens a value that must be sealed. A plain value is an error.
    ///
    /// # Errors
    /// [`Unopened`]: the value is plain text, or [`Vault::open`] fails.
    pub fn open_sealed(&self, owner: &str, value: &str) -> Result<String, Unopened> {
        if value.starts_with(PREFIX) { self.open(owner, value) } else { Err(Unopened) }
    }

    /// Opens a sealed value.
    ///
    /// # Errors
    /// [`Unopened`]: the value was not sealed for this owner with a key of this vault.
    pub fn open(&self, owner: &str, value: &str) -> Result<String, Unopened> {
        let Some(text) = value.strip_prefix(PREFIX) else { return Ok(value.to_owned()) };
        let bytes = Base64::decode_vec(text).map_err(|_| Unopened)?;
        let (nonce, sealed) = bytes.split_first_chunk::<24>().ok_or(Unopened)?;
        let payload = || Payload { msg: sealed, aad: owner.as_bytes() };
        let opened = std::iter::once(&self.key)
            .chain(&self.old)
            .find_map(|key| key.decrypt(&XNonce::from(*nonce), payload()).ok())
            .ok_or(Unopened)?;
        String::from_utf8(opened).map_err(|_| Unopened)
    }

    /// Seals the values of a JSON object of headers. A null, which removes a header, stays null.
    ///
    /// # Errors
    /// If it is not an object of texts and nulls.
    pub fn seal_headers(
        &self,
        owner: &str,
        headers: &str,
        mut nonce: impl FnMut() -> [u8; 24],
    ) -> serde_json::Result<String> {
        let headers: BTreeMap<String, Option<String>> = serde_json::from_str(headers)?;
        let seal = |(name, value): (String, Option<String>)| (name, value.map(|v| self.seal(owner, &v, nonce())));
        serde_json::to_string(&headers.into_iter().map(seal).collect::<BTreeMap<_, _>>())
    }

    /// Opens the values of a JSON object of headers.
    ///
    /// # Errors
    /// [`Unopened`]: it is not an object of texts, or [`Vault::open`] fails for one.
    pub fn open_headers(&self, owner: &str, headers: &str) -> Result<Vec<(String, String)>, Unopened> {
        let headers: BTreeMap<String, String> = serde_json::from_str(headers).map_err(|_| Unopened)?;
        headers.into_iter().map(|(name, value)| Ok((name, self.open(owner, &value)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_for_its_owner_with_the_current_or_the_previous_key() {
        let vault = Vault::new("a key", None);
        let sealed = vault.seal("TM-1/wh_1", "whsec_abc", [7; 24]);
        assert!(sealed.starts_with(PREFIX) && !sealed.contains("whsec"));
        assert_eq!(vault.open("TM-1/wh_1", &sealed).unwrap(), "whsec_abc");
        assert_eq!(vault.open("TM-2/wh_1", &sealed), Err(Unopened));
        assert_eq!(Vault::new("another", None).open("TM-1/wh_1", &sealed), Err(Unopened));
        assert_eq!(Vault::new("another", Some("a key")).open("TM-1/wh_1", &sealed).unwrap(), "whsec_abc");
        for damaged in ["sealed1:", "sealed1:AAAA", "sealed1:?", &format!("{}A", &sealed)] {
            assert_eq!(vault.open("TM-1/wh_1", damaged), Err(Unopened), "{damaged}");
        }
        assert_eq!(
            vault.open("TM-1/wh_1", "whsec_plain").unwrap(),
            "whsec_plain",
            "a value stored before there was a key is plain text"
        );
        assert_eq!(vault.open_sealed("TM-1/wh_1", "whsec_plain"), Err(Unopened));
        assert_eq!(vault.open_sealed("TM-1/wh_1", &sealed).unwrap(), "whsec_abc");
        assert_eq!(vault.seal("TM-1/wh_1", "", [7; 24]), "");
    }

    #[test]
    fn headers_are_sealed_one_by_one_so_a_merge_patch_still_applies() {
        let vault = Vault::new("a key", None);
        let mut n = 0;
        let nonce = || {
            n += 1;
            [n; 24]
        };
        let sealed = vault.seal_headers("o", r#"{"authorization":"Bearer x","gone":null}"#, nonce).unwrap();
        assert!(sealed.contains(r#""gone":null"#) && !sealed.contains("Bearer"));
        let stored = sealed.replace(r#","gone":null"#, "");
        assert_eq!(vault.open_headers("o", &stored).unwrap(), [("authorization".to_owned(), "Bearer x".to_owned())]);
    }
}
