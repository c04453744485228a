//! The log of received items and their outcomes. It is written, listed, followed live, and deleted
//! after some days.

use serde::Deserialize;
use serde_json::Value;
use trackmate_wire::limits::{
    INCOMING_DATA_BYTES_MAX, INCOMING_PRUNE_MAX, REJECTED_MINUTE_MAX, REJECTED_STORED_MAX, WATCH_LEFT_MS_MIN, WATCH_MS,
    WATCHED_MINUTE_MAX, WATCHED_STORED_MAX,
};

use super::{Batch, Db, Result, sql};
use crate::domain::incoming::{Outcome, Receipt};
use crate::domain::source::Source;

/// Logs receipts of one request, up to the limit of each minute, and deletes what no longer fits
/// into their rings. Returns whether any receipt was logged: nothing is logged for a company that
/// does not exist.
///
/// # Errors
/// D1's; nothing was logged then.
pub async fn add(db: &Db, company: &str, source: Source, receipts: &[Receipt], now_ms: i64) -> Result<bool> {
    let (rejected, accepted): (Vec<_>, Vec<_>) =
        receipts.iter().partition(|receipt| receipt.outcome == Outcome::Rejected);
    let rings = [
        (0, accepted, WATCHED_MINUTE_MAX, WATCHED_STORED_MAX),
        (1 + source.number(), rejected, REJECTED_MINUTE_MAX, REJECTED_STORED_MAX),
    ];
    let mut batch = Vec::new();
    for (ring, receipts, minute, kept) in rings {
        if receipts.is_empty() {
            continue;
        }
        let (company, json) = (company.into(), serde_json::to_string(&receipts)?);
        let ring = i64::into(ring);
        let insert = [company, ring, (&json).into(), source.into(), now_ms.into(), minute.into()];
        batch.push(db.bind(sql::INCOMING_INSERT, &insert)?);
        batch.push(db.bind(sql::INCOMING_TRIM, &[company, ring, kept.into()])?);
    }
    if batch.is_empty() {
        return Ok(false);
    }
    let mut noted = 0;
    for answer in db.batch(batch).await? {
        noted += answer.written()?;
    }
    Ok(noted > 0)
}

/// A logged entry, with data of its event and its person.
#[derive(Debug, Clone, Deserialize)]
pub struct LogEntry {
    /// Its number, ascending in the company.
    pub seq: i64,
    /// When it arrived, ms.
    pub at: i64,
    /// The API through which it came.
    pub source: Source,
    /// `stored`, `duplicate` or `rejected`.
    pub outcome: String,
    /// The problem's code. This field and the next two are for rejected items only.
    pub code: Option<String>,
    /// The problem's message.
    pub message: Option<String>,
    /// The field that the problem is about.
    pub field: Option<String>,
    /// Its message id.
    pub message_id: Option<String>,
    /// The event's name.
    #[serde(rename = "type")]
    pub name: Option<String>,
    /// JSON object: the event's data, or the shape of a rejected item's data.
    pub data: Option<String>,
    /// When it happened, ms.
    pub happened_at: Option<i64>,
    /// Its session.
    pub session: Option<String>,
    /// The person who owns it.
    pub profile: Option<String>,
    /// The person's name.
    #[serde(rename = "name")]
    pub person: Option<String>,
    /// 1 if a bot sent it.
    pub bot: Option<i64>,
}

/// A filter of receipts.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Only through this API.
    pub source: Option<Source>,
    /// Only with this outcome.
    pub outcome: Option<Outcome>,
    /// Only events of this name.
    pub name: Option<String>,
    /// Only those rejected with this code.
    pub code: Option<String>,
}

/// Entries before `seq`, newest first.
///
/// # Errors
/// D1's.
pub async fn before(db: &Db, company: &str, wanted: &Wanted, seq: i64, limit: i64) -> Result<Vec<LogEntry>> {
    let params = [
        company.into(),
        seq.into(),
        INCOMING_DATA_BYTES_MAX.into(),
        limit.into(),
        wanted.source.into(),
        wanted.outcome.map(Outcome::as_str).into(),
        wanted.name.as_ref().into(),
        wanted.code.as_ref().into(),
    ];
    let mut rows: Vec<LogEntry> = db.run(sql::INCOMING_BEFORE, &params).await?.rows()?;
    rows.sort_by_key(|row| -row.seq);
    Ok(rows)
}

/// Entries after `seq`, oldest first. `None` if a `key` is given and no longer works. The key is in
/// the directory, which is the same database today; with two databases this becomes two statements.
///
/// # Errors
/// D1's.
pub async fn after(db: &Db, company: &str, key: Option<&str>, seq: i64, limit: i64) -> Result<Option<Vec<LogEntry>>> {
    let params = [company.into(), seq.into(), INCOMING_DATA_BYTES_MAX.into(), limit.into()];
    let mut batch = Batch::default();
    let rows = batch.read::<LogEntry>(db.bind(sql::INCOMING_AFTER, &params)?);
    let live = match key {
        Some(key) => Some(batch.read::<Value>(db.bind(sql::KEY_LIVE, &[company.into(), key.into()])?)),
        None => None,
    };
    let answers = db.run_batch(batch).await?;
    if let Some(live) = live
        && answers.rows(&live)?.is_empty()
    {
        return Ok(None);
    }
    let mut rows = answers.rows(&rows)?;
    rows.sort_by_key(|row| row.seq);
    Ok(Some(rows))
}

#[derive(Deserialize)]
struct Last {
    seq: Option<i64>,
}

/// Stores that somebody watches from now on: stored items are logged too, for two minutes. Returns
/// the last number of the log.
///
/// # Errors
/// D1's.
pub async fn watch(db: &Db, company: &str, now_ms: i64) -> Result<i64> {
    let until = [company.into(), (now_ms + WATCH_MS).into(), (now_ms + WATCH_LEFT_MS_MIN).into()];
    let mut batch = Batch::default();
    batch.write(db.bind(sql::COMPANY_WATCH, &until)?);
    let last = batch.read::<Last>(db.bind(sql::INCOMING_LAST, &[company.into()])?);
    Ok(db.run_batch(batch).await?.first(&last)?.and_then(|last| last.seq).unwrap_or_default())
}

/// Deletes a slice of the receipts older than `before_ms`. Takes no company: the sweep serves all
/// companies.
///
/// # Errors
/// D1's.
pub async fn prune(db: &Db, before_ms: i64) -> Result<()> {
    db.run(sql::INCOMING_PRUNE, &[before_ms.into(), INCOMING_PRUNE_MAX.into()]).await.map(drop)
}

/// A stored event.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// The API through which it came.
    pub source: Source,
    /// Its id.
    pub message_id: String,
    /// Its session; empty if it has none.
    pub session: String,
    /// When it happened.
    pub ts: i64,
    /// Its name.
    #[serde(rename = "type")]
    pub name: String,
    /// JSON object.
    pub data: String,
    /// JSON object: the page and the browser, as the sender described them.
    pub context: Option<String>,
    /// When it happened by the sender's clock, ms.
    pub original_at: Option<i64>,
    /// When it was sent by the sender's clock, ms.
    pub sent_at: Option<i64>,
    /// ms.
    pub received_at: i64,
    /// 1 if a server sent it for a browser's session; its source is then the browser's.
    pub sent_by_server: Option<i64>,
    /// The link that owns it, a JSON array: profile or null, `ts`, message id of the identify or
    /// ''.
    pub link: Option<String>,
    /// Number of repeats that arrived while somebody watched.
    pub duplicates: i64,
}

/// The outcome of a message id.
#[derive(Debug)]
pub enum Found {
    /// It is stored.
    Stored(Event),
    /// It was rejected.
    Rejected(LogEntry),
}

/// The outcome of a message id with this source; without a source, servers come before browsers. A
/// stored event comes before a rejected item.
///
/// # Errors
/// D1's.
pub async fn find(db: &Db, company: &str, message_id: &str, source: Option<Source>) -> Result<Option<Found>> {
    let (company, id, source) = (company.into(), message_id.into(), source.into());
    let mut batch = Batch::default();
    let stored = batch.read(db.bind(sql::EVENT_FIND, &[company, id, source])?);
    let of_id = [company, id, INCOMING_DATA_BYTES_MAX.into(), source];
    let rejected = batch.read(db.bind(sql::INCOMING_OF_ID, &of_id)?);
    let answers = db.run_batch(batch).await?;
    let stored = answers.first(&stored)?.map(Found::Stored);
    let rejected = answers.first(&rejected)?.map(Found::Rejected);
    Ok(stored.or(rejected))
}
