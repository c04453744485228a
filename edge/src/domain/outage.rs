//! Classifies failures of D1. Some pass by themselves (D1 is down, overloaded or moving), so
//! requests are stored in the outage buffer meanwhile. A full database stays full until somebody
//! makes room. Anything else (a constraint, a wrong statement, a row that is too large, a missing
//! table) would fail again, and an operator must act.

/// Texts of D1's errors in an outage, in lower case. They come from its documentation, and from
/// `SQLite` as the local runtime returns them.
const PASSING: [&str; 17] = [
    // A company is being moved to another cell: the constraint of the fence (`store/cells.rs`).
    "company_is_away",
    "d1 db is overloaded",
    "requests queued for too long",
    "too many requests queued",
    "network connection lost",
    "cannot resolve d1 db due to transient issue",
    "caused object to be reset",
    "and was reset",
    "reset because its code was updated",
    "storage operation exceeded timeout",
    "internal error in d1",
    "internal error while starting up d1",
    "sqlite_busy",
    "sqlite_locked",
    "sqlite_ioerr",
    "sqlite_cantopen",
    "internal error; reference",
];

/// Texts of D1's errors when the database, or all databases of the account, have reached their size
/// limit.
const FULL: [&str; 4] =
    ["exceeded maximum db size", "maximum account storage limit", "sqlite_full", "database or disk is full"];

/// The kind of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It passes by itself.
    Passing,
    /// The database is full until somebody makes room.
    Full,
    /// It would fail again.
    Lasting,
}

/// The kind of the failure with this error text.
#[must_use]
pub fn failure(error: &str) -> Failure {
    let error = error.to_ascii_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| error.contains(sign));
    if says(&FULL) {
        Failure::Full
    } else if says(&PASSING) {
        Failure::Passing
    } else {
        Failure::Lasting
    }
}

/// Percentages of a database's size limit at which an operator is warned.
const STEPS: [i64; 3] = [70, 85, 95];

/// The percentage of its size limit at which a cell takes no new companies.
pub const FULL_PERCENT: i64 = 85;

/// The highest step of [`STEPS`] that a database of this size has reached, for this size limit. 0
/// for none.
#[must_use]
pub fn step(bytes: i64, bytes_max: i64) -> i64 {
    let reached = |step: &&i64| bytes.saturating_mul(100) >= bytes_max.saturating_mul(**step);
    STEPS.iter().rev().find(reached).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passing_failures_differ_from_a_full_database_and_from_lasting_failures() {
        for error in [
            "D1_ERROR: D1 DB is overloaded. Too many requests queued.",
            "D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.",
            "D1_ERROR: Network connection lost.",
            "D1_ERROR: database is locked: SQLITE_BUSY",
            "D1_ERROR: disk I/O error: SQLITE_IOERR",
            "D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.",
        ] {
            assert_eq!(failure(error), Failure::Passing, "{error}");
        }
        for error in [
            "D1_ERROR: Exceeded maximum DB size.",
            "D1_ERROR: database or disk is full: SQLITE_FULL",
            "D1_ERROR: Your account has exceeded D1's maximum account storage limit, \
             please contact Cloudflare to raise your limit.",
            // This is not a passing failure, although the text contains the words of one.
            "D1_ERROR: disk I/O error: SQLITE_IOERR: database or disk is full",
        ] {
            assert_eq!(failure(error), Failure::Full, "{error}");
        }
        for error in [
            "D1_ERROR: UNIQUE constraint failed: events.message_id: SQLITE_CONSTRAINT",
            "D1_ERROR: no such table: events: SQLITE_ERROR",
            "D1_ERROR: attempt to write a readonly database: SQLITE_READONLY",
            "D1_ERROR: string or blob too big: SQLITE_TOOBIG",
            "D1_ERROR: too many SQL variables: SQLITE_ERROR",
            "D1_TYPE_ERROR: Type 'undefined' not supported for value 'undefined'",
            "D1_ERROR: Wrong number of parameter bindings for SQL query.",
            "D1 answered fewer statements than it was sent",
            "",
        ] {
            assert_eq!(failure(error), Failure::Lasting, "{error}");
        }
    }

    #[test]
    fn a_database_that_fills_up_reaches_steps() {
        let gb = 1_000_000_000;
        for (bytes, expected) in [
            (0, 0),
            (6_999_999_999, 0),
            (7 * gb, 70),
            (84 * gb / 10, 70),
            (85 * gb / 10, 85),
            (95 * gb / 10, 95),
            (11 * gb, 95),
        ] {
            assert_eq!(step(bytes, 10 * gb), expected, "{bytes}");
        }
    }
}
