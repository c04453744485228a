//! Whose an event is: a pure function of the facts about its session, so that the order in which
//! requests arrive cannot matter.
//!
//! A fact says: at this instant this session was identified as this person. An event belongs to the
//! person of the last fact at or before it; what lies before the first fact belongs to the first
//! fact's person. `store/sql/links.count.sql` and `identify.*.sql` keep the same answer
//! materialised; a property test holds the two against each other.

use trackmate_wire::signature::sha256;

/// One identification of a session. Facts are ordered by `(at, id)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// When, as a `ts`.
    pub at: i64,
    /// The message id of the identify.
    pub id: String,
    /// Who.
    pub profile: String,
}

/// The owner of what happened at `ts` on a session with these facts, in any order; `None` while
/// nobody was identified.
#[must_use]
pub fn owner(facts: &[Fact], ts: i64) -> Option<&str> {
    let last_before = facts.iter().filter(|f| f.at <= ts).max();
    last_before.or_else(|| facts.iter().min()).map(|f| f.profile.as_str())
}

/// What tells a claim from another one with its message id: a hash of the session and of the lookup
/// key of whom it names. It holds however the rest of the claim ends (erased, taken back), and says
/// nothing of which addresses are one person's. As many bits as a float holds exactly, since D1
/// binds numbers as floats.
#[must_use]
pub fn claim(session: &str, key: &str) -> i64 {
    let digest = sha256(&[b"trackmate claim 1:", session.as_bytes(), &[0], key.as_bytes()]);
    digest.iter().take(6).fold(0, |number, byte| number << 8 | i64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_of_one_session_and_one_key() {
        let one = claim("s1", "ada@example.com");
        assert_eq!(one, claim("s1", "ada@example.com"));
        assert!(one != claim("s2", "ada@example.com") && one != claim("s1", "bob@example.com"));
        assert!((0..1 << 53).contains(&one));
    }

    #[test]
    fn the_first_person_owns_what_came_before_and_the_next_takes_nothing_of_it() {
        let fact = |at: i64, profile: &str| Fact { at, id: at.to_string(), profile: profile.into() };
        let facts = [fact(20, "bob"), fact(10, "alice")];
        assert_eq!(owner(&facts, 5), Some("alice"));
        assert_eq!(owner(&facts, 10), Some("alice"));
        assert_eq!(owner(&facts, 19), Some("alice"));
        assert_eq!(owner(&facts, 20), Some("bob"));
        assert_eq!(owner(&[], 5), None);
    }
}
