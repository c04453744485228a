//! Taking an identify back: its link goes, what it owned falls to its neighbour, and the person is
//! rebuilt from the links that are left.

use serde::Deserialize;
use serde_json::json;

use super::merge::{self, Act};
use super::outbox::Outbox;
use super::rebuild::Opening;
use super::{Db, Result, Statement, sql};

/// A link that an identify made.
#[derive(Debug, Deserialize)]
pub struct Fact {
    /// The session.
    pub session: String,
    /// From when on, as a `ts`.
    pub at: i64,
    /// Whose the session's events are by it.
    pub profile: String,
    /// Whose they are without it.
    pub heir: Option<String>,
}

/// The link of the identify with this message id.
///
/// # Errors
/// D1's.
pub async fn find(db: &Db, company: &str, message_id: &str) -> Result<Option<Fact>> {
    db.run(sql::UNDO_FIND, &[company.into(), message_id.into()]).await?.first()
}

/// The statements that take a link back.
#[must_use]
pub fn undoing(company: &str, message_id: &str, fact: &Fact, act: &Act<'_>) -> Vec<Statement> {
    let (person, n) = (&fact.profile, act.number);
    let link = || json!([company, fact.session, message_id, n, fact.at]);
    // Nor does anything that was sent of it stay, or go out.
    let sent = || json!([company, json!([{ "s": 0, "i": message_id }]).to_string(), null]);
    let mark = json!([company, person, message_id, n, act.now_ms, fact.session, fact.at]);
    let mut statements = vec![
        Statement::new(sql::UNDO_EVENT, json!([company, fact.session, message_id, n, fact.at, person])),
        Statement::new(sql::ATTEMPTS_FORGET, sent()),
        Statement::new(sql::DELIVERIES_FORGET, sent()),
        Statement::new(sql::UNDO_MARK, mark),
        Statement::new(sql::UNDO_HEIR, link()),
        Statement::new(sql::UNDO_OPEN, link()),
        Statement::new(sql::UNDO_COUNT, link()),
        Statement::new(sql::UNDO_LINK, link()),
        Statement::new(sql::PROFILES_LAST, json!([company, json!([person]).to_string()])),
    ];
    let opening = Opening {
        profile: person,
        guard: Some((person, n)),
        vanish: json!(message_id),
        waits_for: None,
        notice: &act.news.id,
    };
    statements.extend(opening.statements(company, act.now_ms));
    statements
}

/// Takes the identify back and tells of it → deliveries of that. `None` if somebody else did in
/// between, or it is another person's since it was read, or nobody's: read again. The person is
/// rebuilt next ([`super::rebuild::run`]).
///
/// # Errors
/// D1's; nothing was written then.
pub async fn undo(db: &Db, company: &str, message_id: &str, fact: &Fact, act: &Act<'_>) -> Result<Option<Outbox>> {
    let undo = undoing(company, message_id, fact, act);
    merge::run(db, company, &fact.profile, &undo, act).await
}
