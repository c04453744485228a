//! The keys and sessions of the two ids of a vendor's alias, read in one batch.

use serde::Deserialize;

use super::identity_keys::{self, ResolvedKey};
use super::{Batch, Db, Result, ingest, new_events, sql};

/// The keys and sessions of the two ids of an alias.
#[derive(Debug)]
pub struct Aliased {
    /// The people who have the ids.
    pub keys: Vec<ResolvedKey>,
    /// The existing sessions of the ids.
    sessions: Vec<Session>,
    /// Whether this alias is stored already: as an event of a server, or as an identify of a
    /// browser.
    pub is_stored: bool,
}

#[derive(Debug, Deserialize)]
struct Session {
    session: String,
    open: i64,
}

impl Aliased {
    /// Whether this session exists.
    #[must_use]
    pub fn is_session(&self, session: &str) -> bool {
        self.sessions.iter().any(|s| s.session == session)
    }

    /// Whether this session exists and no person owns it yet.
    #[must_use]
    pub fn is_open(&self, session: &str) -> bool {
        self.sessions.iter().any(|s| s.session == session && s.open == 1)
    }
}

/// Reads who has the two ids of an alias, and which sessions they have. `id` and `identify_hash`
/// are those of the alias, and tell whether it is stored already.
///
/// # Errors
/// D1's.
pub async fn find(
    db: &Db,
    company: &str,
    keys: [&str; 2],
    sessions: [&str; 2],
    (id, identify_hash): (&str, i64),
) -> Result<Aliased> {
    let [keys, sessions] = [identity_keys::hashed(company, &keys)?, serde_json::to_string(&sessions)?];
    let mut batch = Batch::default();
    let resolved = batch.read(db.bind(sql::IDENTITY_PAIR, &[company.into(), (&keys).into()])?);
    let sessions = batch.read(db.bind(sql::LINKS_OPEN, &[company.into(), (&sessions).into()])?);
    let stored = batch.read(ingest::known_statement(db, company, &[id], Some(identify_hash))?);
    let answers = db.run_batch(batch).await?;
    let is_stored = !new_events::message_ids(&answers, &stored)?.is_empty();
    Ok(Aliased { keys: answers.rows(&resolved)?, sessions: answers.rows(&sessions)?, is_stored })
}
