//! Decides which person an event belongs to. This is a pure function of the facts about the event's
//! session, so the order in which requests arrive cannot matter.
//!
//! A fact says that this session was identified as this person at this instant. An event belongs to
//! the person of the last fact at or before it. An event before the first fact belongs to the first
//! fact's person. `store/sql/links.count.sql` and `identify.*.sql` store the same result, and a
//! property test compares them with this function.

use trackmate_wire::signature::sha256;

/// One identification of a session. Facts are ordered by `(at, id)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkEvidence {
    /// The instant, as a `ts`.
    pub at: i64,
    /// The message id of the identify.
    pub id: String,
    /// The person's profile.
    pub profile: String,
}

/// The owner of an event at `ts` on a session with these facts, in any order. `None` while the
/// session has no identify.
#[must_use]
pub fn owner(facts: &[LinkEvidence], ts: i64) -> Option<&str> {
    let last_before = facts.iter().filter(|f| f.at <= ts).max();
    last_before.or_else(|| facts.iter().min()).map(|f| f.profile.as_str())
}

/// Distinguishes an identify from another one with the same message id: a hash of the session and
/// of the identity key. It does not depend on what happens to the identify later (erasure, undo),
/// and does not reveal which addresses belong to one person. It has 53 bits, because D1 binds
/// numbers as floats.
#[must_use]
pub fn identify_hash(session: &str, key: &str) -> i64 {
    let digest = sha256(&[b"trackmate claim 1:", session.as_bytes(), &[0], key.as_bytes()]);
    digest.iter().take(6).fold(0, |number, byte| number << 8 | i64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identify_hash_depends_on_the_session_and_the_identity_key() {
        let one = identify_hash("s1", "ada@example.com");
        assert_eq!(one, identify_hash("s1", "ada@example.com"));
        assert!(one != identify_hash("s2", "ada@example.com") && one != identify_hash("s1", "bob@example.com"));
        assert!((0..1 << 53).contains(&one));
    }

    #[test]
    fn the_first_person_owns_earlier_events_and_the_next_person_takes_none_of_them() {
        let fact = |at: i64, profile: &str| LinkEvidence { at, id: at.to_string(), profile: profile.into() };
        let facts = [fact(20, "bob"), fact(10, "alice")];
        assert_eq!(owner(&facts, 5), Some("alice"));
        assert_eq!(owner(&facts, 10), Some("alice"));
        assert_eq!(owner(&facts, 19), Some("alice"));
        assert_eq!(owner(&facts, 20), Some("bob"));
        assert_eq!(owner(&[], 5), None);
    }
}
