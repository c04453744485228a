//! The name under which a tombstone keeps an erased address away: a hash, so that the address
//! itself is nowhere.
//!
//! SHA-256 of `trackmate tombstone 1:`, company, kind and lookup key, parted by zero bytes. It is
//! not keyed with the deployment's secret: a tombstone must hold for ever, and the secret may
//! change. So whoever holds a copy of the database and guesses an address can see whether it was
//! erased, and nothing else.

use trackmate_wire::hex::hex;
use trackmate_wire::ids::key_kind;
use trackmate_wire::signature::sha256;

/// The hash of a lookup key of this kind.
#[must_use]
pub fn hash(company: &str, kind: &str, key: &str) -> String {
    hex(&sha256(&[b"trackmate tombstone 1:", company.as_bytes(), &[0], kind.as_bytes(), &[0], key.as_bytes()]))
}

/// The hash of an address or a user id, by its lookup key.
#[must_use]
pub fn address(company: &str, key: &str) -> String {
    hash(company, key_kind(key), key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_one_company_and_says_nothing_of_the_address() {
        let hash = address("TM-1", "ada@example.com");
        assert_eq!(hash.len(), 64);
        assert_ne!(hash, address("TM-2", "ada@example.com"));
        assert_ne!(hash, address("TM-1", "adb@example.com"));
    }
}
