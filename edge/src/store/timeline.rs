//! Reads a person's timeline and links, page by page.

use serde::Deserialize;
use trackmate_wire::limits::INCOMING_DATA_BYTES_MAX;

use super::{Db, Param, Result, sql};
use crate::domain::source::Source;
use crate::domain::timeline::{Cursor, Found, Order, Steps};

/// A link: the identify that made a session belong to a person.
#[derive(Debug, Deserialize)]
pub struct Link {
    /// The session.
    pub session: String,
    /// The `ts` from which the link applies.
    pub at: i64,
    /// Message id of the identify.
    pub id: String,
    /// The profile with which the session was identified.
    pub profile: String,
    /// Number of events that it owns.
    pub events: i64,
}

/// A person's links before a place, newest first.
///
/// # Errors
/// D1's.
pub async fn links(db: &Db, company: &str, profile: &str, before: &Cursor, limit: i64) -> Result<Vec<Link>> {
    let params = [company.into(), profile.into(), before.ts.into(), (&before.id).into(), limit.into()];
    db.run(sql::LINKS_LIST, &params).await?.rows()
}

/// An event of a timeline.
#[derive(Debug, Clone, Deserialize)]
pub struct Entry {
    /// Its id.
    pub message_id: String,
    /// The API through which it came.
    pub source: Source,
    /// Its session.
    pub session: String,
    /// When it happened.
    pub ts: i64,
    /// Its name.
    #[serde(rename = "type")]
    pub name: String,
    /// JSON object; `None` if it is long.
    pub data: Option<String>,
    /// Bytes of its data.
    pub bytes: usize,
    /// 1 if a bot sent it.
    pub bot: Option<i64>,
    /// 1 if a server sent it for a browser's session; its source is then the browser's.
    pub sent_by_server: Option<i64>,
    /// Its place as one text.
    pub key: String,
    /// The place of the first event of its step.
    pub first: String,
}

impl Found for Entry {
    fn key(&self) -> &str {
        &self.key
    }

    fn first(&self) -> &str {
        &self.first
    }
}

/// Events after the cursor. Some of them may be out of order.
///
/// # Errors
/// D1's.
pub async fn entries(
    db: &Db,
    company: &str,
    profile: &str,
    (cursor, order): (&Cursor, Order),
    steps: Steps,
) -> Result<Vec<Entry>> {
    let statement = match order {
        Order::Asc => sql::TIMELINE_ASC,
        Order::Desc => sql::TIMELINE_DESC,
    };
    let (key, count) = (cursor.key(), |n: usize| Param::Int(i64::try_from(n).unwrap_or(i64::MAX)));
    let params = [
        company.into(),
        profile.into(),
        cursor.ts.into(),
        (&key).into(),
        count(steps.rows),
        count(steps.wanted),
        count(steps.step),
        INCOMING_DATA_BYTES_MAX.into(),
    ];
    db.run(statement, &params).await?.rows()
}

#[derive(Deserialize)]
struct Long {
    source: Source,
    message_id: String,
    data: String,
}

/// Reads the data of those of these events whose data is long.
///
/// # Errors
/// D1's.
pub async fn read_long(db: &Db, company: &str, entries: &mut [Entry]) -> Result<()> {
    let long = entries.iter().filter(|e| e.data.is_none()).map(|e| (e.source, &e.message_id));
    let named: Vec<_> = long.collect();
    if named.is_empty() {
        return Ok(());
    }
    let named = serde_json::to_string(&named)?;
    for long in db.run(sql::TIMELINE_DATA, &[company.into(), (&named).into()]).await?.rows::<Long>()? {
        let of = |e: &&mut Entry| e.source == long.source && e.message_id == long.message_id;
        if let Some(entry) = entries.iter_mut().find(of) {
            entry.data = Some(long.data);
        }
    }
    // An event that was deleted meanwhile stays without data, and is left out.
    Ok(())
}
