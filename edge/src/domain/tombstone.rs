//! The hash by which a tombstone recognises an erased address. The address itself is not stored.
//!
//! SHA-256 of `trackmate tombstone 1:`, company, kind and identity key, separated by zero bytes.
//! The hash does not use the deployment's secret: a tombstone must work for ever, and the secret
//! may change. So somebody with a copy of the database can check whether an address that they guess
//! was erased, but nothing else.

use trackmate_wire::hex::hex;
use trackmate_wire::ids::key_kind;
use trackmate_wire::signature::sha256;

/// The hash of an identity key of this kind.
#[must_use]
pub fn hash(company: &str, kind: &str, key: &str) -> String {
    hex(&sha256(&[b"trackmate tombstone 1:", company.as_bytes(), &[0], kind.as_bytes(), &[0], key.as_bytes()]))
}

/// The hash of an address or a user id, from its identity key.
#[must_use]
pub fn of_key(company: &str, key: &str) -> String {
    hash(company, key_kind(key), key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tombstone_hash_depends_on_the_company_and_does_not_contain_the_address() {
        let hash = of_key("TM-1", "ada@example.com");
        assert_eq!(hash.len(), 64);
        assert_ne!(hash, of_key("TM-2", "ada@example.com"));
        assert_ne!(hash, of_key("TM-1", "adb@example.com"));
    }
}
