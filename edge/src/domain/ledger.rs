//! Whose an event is: a pure function of the facts about its session, so that the order in which requests arrive cannot matter.
//!
//! A fact says: at this instant this session was identified as this person. An event belongs to the person of the last fact at or
//! before it; what lies before the first fact belongs to the first fact's person. `store/sql/links.count.sql` and `identify.*.sql`
//! keep the same answer materialised; a property test holds the two against each other.

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

/// The owner of what happened at `ts` on a session with these facts, in any order; `None` while nobody was identified.
#[must_use]
pub fn owner(facts: &[Fact], ts: i64) -> Option<&str> {
    let last_before = facts.iter().filter(|f| f.at <= ts).max();
    last_before.or_else(|| facts.iter().min()).map(|f| f.profile.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

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
