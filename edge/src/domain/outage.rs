//! Which failures of D1 pass by themselves: it is down, overloaded or moving. What is sent meanwhile is worth keeping; anything else (a constraint, a
//! statement that is wrong, a row that cannot be read) would fail again, and is an operator's matter.

/// What D1 says of an outage, in lower case: from its documented errors, and from `SQLite`'s own as the local runtime passes them on.
const SIGNS: [&str; 18] = [
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
    "exceeded maximum db size",
    "sqlite_busy",
    "sqlite_locked",
    "sqlite_ioerr",
    "sqlite_full",
    "sqlite_cantopen",
    "internal error; reference",
];

/// Whether this text of an error tells of an outage.
#[must_use]
pub fn is_outage(error: &str) -> bool {
    let error = error.to_ascii_lowercase();
    SIGNS.iter().any(|sign| error.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_from_a_mistake() {
        for error in [
            "D1_ERROR: D1 DB is overloaded. Too many requests queued.",
            "D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.",
            "D1_ERROR: Network connection lost.",
            "D1_ERROR: database is locked: SQLITE_BUSY",
            "D1_ERROR: disk I/O error: SQLITE_IOERR",
            "D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.",
        ] {
            assert!(is_outage(error), "{error}");
        }
        for error in [
            "D1_ERROR: UNIQUE constraint failed: events.message_id: SQLITE_CONSTRAINT",
            "D1_ERROR: no such table: events: SQLITE_ERROR",
            "D1_TYPE_ERROR: Type 'undefined' not supported for value 'undefined'",
            "D1_ERROR: Wrong number of parameter bindings for SQL query.",
            "D1 answered fewer statements than it was sent",
            "",
        ] {
            assert!(!is_outage(error), "{error}");
        }
    }
}
