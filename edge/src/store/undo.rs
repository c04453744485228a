//! Undoing an identify: its link is deleted, its events go to the neighbouring link, and the person
//! is rebuilt from the remaining links.

use serde::Deserialize;
use serde_json::json;

use super::merge::{self, IdentityChange};
use super::outbox::Outbox;
use super::rebuild::Opening;
use super::{Db, Result, Statement, sql};

/// The link of an identify.
#[derive(Debug, Deserialize)]
pub struct IdentifyLink {
    /// The session.
    pub session: String,
    /// The `ts` from which it applies.
    pub at: i64,
    /// The profile that owns the session's events through it.
    pub profile: String,
    /// The profile that owns them without it.
    pub next_owner: Option<String>,
}

/// The link of the identify with this message id.
///
/// # Errors
/// D1's.
pub async fn find(db: &Db, company: &str, message_id: &str) -> Result<Option<IdentifyLink>> {
    db.run(sql::UNDO_FIND, &[company.into(), message_id.into()]).await?.first()
}

/// The statements that undo an identify.
#[must_use]
pub fn undo_statements(
    company: &str,
    message_id: &str,
    link: &IdentifyLink,
    change: &IdentityChange<'_>,
) -> Vec<Statement> {
    let (person, n, now) = (&link.profile, change.stamp.marker, change.stamp.now_ms);
    let params = || json!([company, link.session, message_id, n, link.at]);
    // Deletes its deliveries with their log, so that no further delivery is sent.
    let sent = || json!([company, json!([{ "s": 0, "i": message_id }]).to_string(), null]);
    let mark = json!([company, person, message_id, n, now, link.session, link.at]);
    let mut statements = vec![
        Statement::new(sql::UNDO_EVENT, json!([company, link.session, message_id, n, link.at, person])),
        Statement::new(sql::ATTEMPTS_FORGET, sent()),
        Statement::new(sql::DELIVERIES_FORGET, sent()),
        Statement::new(sql::UNDO_MARK, mark),
        Statement::new(sql::UNDO_NEIGHBOUR, params()),
        Statement::new(sql::UNDO_OPEN, params()),
        Statement::new(sql::UNDO_COUNT, params()),
        Statement::new(sql::UNDO_LINK, params()),
        Statement::new(sql::PROFILES_LAST, json!([company, json!([person]).to_string()])),
    ];
    let opening = Opening {
        profile: person,
        guard: Some((person, n)),
        vanish: json!(message_id),
        waits_for: None,
        notice: &change.event.id,
    };
    statements.extend(opening.statements(company, now));
    statements
}

/// Undoes the identify and stores its platform event. Returns the event's deliveries. `None` if the
/// identify was undone meanwhile, or its link now belongs to another person or to nobody. The
/// caller then reads again. After success it rebuilds the person ([`super::rebuild::run`]).
///
/// # Errors
/// D1's; nothing was written then.
pub async fn undo(
    db: &Db,
    company: &str,
    message_id: &str,
    link: &IdentifyLink,
    change: &IdentityChange<'_>,
) -> Result<Option<Outbox>> {
    let undo = undo_statements(company, message_id, link, change);
    merge::run(db, company, &link.profile, &undo, change).await
}
