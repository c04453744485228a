//! Taking an identify back: its link goes, what it owned falls to its neighbour, and the person is worked out anew from the links that are left.

use serde::Deserialize;
use serde_json::{Value, json};
use trackmate_wire::limits::TRAITS_BYTES_MAX;

use super::edits;
use super::ingest::Outbox;
use super::merge::Act;
use super::{Answers, Db, Result, Statement, sql};

/// A link that an identify made.
#[derive(Debug, Deserialize)]
pub struct Fact {
    /// The session.
    pub session: String,
    /// From when on, as a `ts`.
    pub at: i64,
    /// Whose the session's events are by it.
    pub profile: String,
    /// The person's address as typed.
    pub email: Option<String>,
    /// JSON array of the lookup keys of whatever else leads to them.
    pub aliases: String,
    /// Whose they are without it.
    pub heir: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub struct Undone {
    /// Whether the person is gone: nothing else had made it.
    pub removed: bool,
    /// Deliveries of the platform event.
    pub outbox: Outbox,
}

/// The link of the identify with this message id.
///
/// # Errors
/// D1's.
pub async fn find(db: &Db, company: &str, message_id: &str) -> Result<Option<Fact>> {
    db.run(sql::UNDO_FIND, &[company.into(), message_id.into()]).await?.first()
}

/// The statements that take a link back, and those that tidy up after the news are written. `keys` are the lookup keys that lead to the person.
#[must_use]
pub fn undoing(
    company: &str,
    message_id: &str,
    fact: &Fact,
    keys: &[&str],
    act: &Act<'_>,
) -> (Vec<Statement>, Vec<Statement>) {
    let (person, n) = (&fact.profile, act.number);
    let link = || json!([company, fact.session, message_id, n, fact.at]);
    // Nor does anything that was sent of it stay, or go out.
    let sent = || json!([company, json!([{ "s": 0, "i": message_id }]).to_string(), null]);
    let undo = vec![
        Statement::new(sql::UNDO_EVENT, json!([company, fact.session, message_id, n, fact.at, person])),
        Statement::new(sql::ATTEMPTS_FORGET, sent()),
        Statement::new(sql::DELIVERIES_FORGET, sent()),
        Statement::new(sql::UNDO_MARK, json!([company, person, message_id, n, act.now_ms])),
        Statement::new(sql::UNDO_HEIR, link()),
        Statement::new(sql::UNDO_OPEN, link()),
        Statement::new(sql::UNDO_COUNT, link()),
        Statement::new(sql::UNDO_LINK, link()),
        Statement::new(sql::LINKS_UNRESERVE, json!([company, person, n, message_id])),
        Statement::new(sql::PROFILE_REBUILD, json!([company, person, TRAITS_BYTES_MAX, n, person])),
    ];
    (undo, vanishing(company, person, keys, act))
}

/// The statements that take a profile away if nothing is left of it, with its addresses (lookup keys) and what was said of it to others.
pub(super) fn vanishing(company: &str, profile: &str, addresses: &[&str], act: &Act<'_>) -> Vec<Statement> {
    let mut statements = vec![Statement::new(sql::PROFILE_VANISH, json!([company, profile, act.number]))];
    let gone = |address: &&str| Statement::new(sql::IDENTITY_VANISH, json!([company, address, profile]));
    statements.extend(addresses.iter().map(gone));
    statements.push(Statement::new(sql::SEARCH_VANISH, json!([company, profile])));
    statements.push(Statement::new(sql::ERASURE_VANISHED, json!([company, profile, act.now_ms, act.news.id])));
    statements
}

/// Takes the identify back and tells of it. `None` if somebody else did in between, or it is another person's since it was read, or nobody's: read again.
///
/// # Errors
/// D1's; nothing was written then.
pub async fn undo(
    db: &Db,
    company: &str,
    message_id: &str,
    fact: &Fact,
    keys: &[&str],
    act: &Act<'_>,
) -> Result<Option<Undone>> {
    let (undo, tidy) = undoing(company, message_id, fact, keys, act);
    let (items, told) = (act.news.items(act.now_ms)?, serde_json::to_string(&[&act.news.id])?);
    let mut batch = db.bind_all(&undo)?;
    batch.push(db.bind(
        sql::PLATFORM_EDITED,
        &[
            company.into(),
            (&items).into(),
            act.news.user.into(),
            (&fact.profile).into(),
            act.number.into(),
            act.now_ms.into(),
        ],
    )?);
    batch.push(edits::outbox(db, company, &told, act.number, act.now_ms)?);
    batch.extend(db.bind_all(&tidy)?);
    let mut answers = Answers::new(db.batch(batch).await?);
    let won = !answers.take()?.rows::<Value>()?.is_empty();
    // The rest of the undo, and the platform event.
    for _ in &undo {
        answers.take()?;
    }
    let outbox = edits::outbox_answer(&mut answers)?;
    let removed = !answers.take()?.rows::<Value>()?.is_empty();
    Ok(won.then_some(Undone { removed, outbox }))
}
