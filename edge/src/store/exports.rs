//! Exports: their events, what changed during an export, and the list of all exports.

use serde::Deserialize;
use serde_json::json;
use trackmate_wire::limits::{AUDIT_PRUNE_MAX, EXPORT_LOOK_ROWS, EXPORTS_RUNNING_MAX};

use super::slices::{Slices, sum};
use super::{Db, Page, Param, Result, Statement, list_bytes, sql};
use crate::domain::export::{Format, Kind, Mark};
use crate::domain::source::Source;

/// An export that begins.
#[derive(Debug, Clone, Copy)]
pub struct Begun<'a> {
    /// `exp_…`
    pub id: &'a str,
    /// The id of the key of the request …
    pub key: &'a str,
    /// … and its first characters.
    pub prefix: &'a str,
    /// What is exported.
    pub kind: Kind,
    /// The format of the rows.
    pub format: Format,
    /// JSON object.
    pub filters: &'a str,
    /// JSON array; `None` is all fields.
    pub fields: Option<&'a str>,
    /// ms.
    pub snapshot_ms: i64,
    /// The row after which it begins.
    pub after: Option<&'a str>,
    /// The request's id.
    pub request: &'a str,
}

/// Stores that an export begins. `false` if too many exports of the company are running.
///
/// # Errors
/// D1's.
pub async fn begin(db: &Db, company: &str, begun: Begun<'_>, now_ms: i64) -> Result<bool> {
    let params = [
        company.into(),
        begun.id.into(),
        begun.key.into(),
        begun.prefix.into(),
        begun.kind.as_str().into(),
        begun.format.as_str().into(),
        begun.filters.into(),
        begun.fields.into(),
        begun.snapshot_ms.into(),
        begun.after.into(),
        begun.request.into(),
        now_ms.into(),
        EXPORTS_RUNNING_MAX.into(),
    ];
    Ok(db.run(sql::EXPORT_INSERT, &params).await?.written()? > 0)
}

/// The progress of an export.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Rows sent.
    pub rows: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// SHA-256 of them, hex.
    pub sha256: String,
    /// The last row.
    pub last: Option<String>,
    /// Places where an aborted download can go on.
    pub marks: Vec<Mark>,
}

/// An export that ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// What was sent.
    pub progress: &'a Progress,
    /// How it ended.
    pub end: End,
}

/// How an export ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With its last row. Holds the number of users that changed after the snapshot.
    Complete(i64),
    /// Before its last row, because one invocation cannot read more. Holds the same number.
    Partial(i64),
    /// By a failure, or because its reader left.
    Aborted,
}

#[allow(clippy::cast_possible_wrap, reason = "rows and bytes are below 2^53")]
fn progress<'a>(company: &'a str, id: &'a str, progress: &'a Progress, marks: &'a str, now_ms: i64) -> [Param<'a>; 8] {
    [
        company.into(),
        id.into(),
        (progress.rows as i64).into(),
        (progress.bytes as i64).into(),
        (&progress.sha256).into(),
        progress.last.as_ref().into(),
        marks.into(),
        now_ms.into(),
    ]
}

/// Stores the progress of an export.
///
/// # Errors
/// D1's.
pub async fn mark(db: &Db, company: &str, id: &str, done: &Progress, now_ms: i64) -> Result<()> {
    let marks = serde_json::to_string(&done.marks)?;
    db.run(sql::EXPORT_MARK, &progress(company, id, done, &marks, now_ms)).await.map(drop)
}

/// Stores how an export ended.
///
/// # Errors
/// D1's.
pub async fn end(db: &Db, company: &str, id: &str, ended: Ended<'_>, now_ms: i64) -> Result<()> {
    let Ended { progress: done, end } = ended;
    let marks = serde_json::to_string(&done.marks)?;
    let (state, changed) = match end {
        End::Complete(changed) => ("complete", Some(changed)),
        End::Partial(changed) => ("partial", Some(changed)),
        End::Aborted => ("aborted", None),
    };
    let params = progress(company, id, done, &marks, now_ms);
    db.run(sql::EXPORT_END, &[&params[..], &[state.into(), changed.into()]].concat()).await.map(drop)
}

/// An export as stored.
#[derive(Debug, Deserialize)]
pub struct Export {
    /// `exp_…`
    pub id: String,
    /// The id of the key of the request.
    pub key_id: String,
    /// Its first characters.
    pub key_prefix: String,
    /// What is exported.
    pub kind: String,
    /// The format of the rows.
    pub format: String,
    /// JSON object.
    pub filters: String,
    /// JSON array; `None` is all fields.
    pub fields: Option<String>,
    /// ms.
    pub snapshot: i64,
    /// The row after which it began.
    pub after: Option<String>,
    /// Its state.
    pub state: String,
    /// Rows sent.
    pub rows: i64,
    /// Bytes sent.
    pub bytes: i64,
    /// SHA-256 of them, hex.
    pub sha256: Option<String>,
    /// Number of users that changed after the snapshot.
    pub changed: Option<i64>,
    /// The last row.
    pub last: Option<String>,
    /// JSON array of [`Mark`]s.
    pub marks: String,
    /// ms.
    pub started_at: i64,
    /// ms.
    pub ended_at: Option<i64>,
}

/// An export by its id.
///
/// # Errors
/// D1's.
pub async fn find(db: &Db, company: &str, id: &str) -> Result<Option<Export>> {
    db.run(sql::EXPORT_FIND, &[company.into(), id.into()]).await?.first()
}

/// A company's exports before this id, newest first.
///
/// # Errors
/// D1's.
pub async fn list(db: &Db, company: &str, before: &str, limit: i64) -> Result<Page<Export>> {
    db.run(sql::EXPORT_LIST, &[company.into(), before.into(), limit.into(), list_bytes()]).await?.page()
}

/// Marks exports as aborted that made no progress since `before_ms`. Takes no company: the sweep
/// serves all companies.
///
/// # Errors
/// D1's.
pub async fn abandon(db: &Db, now_ms: i64, before_ms: i64) -> Result<()> {
    db.run(sql::EXPORT_ABANDON, &[now_ms.into(), before_ms.into()]).await.map(drop)
}

/// Deletes a slice of the exports older than `before_ms`. Takes no company: the sweep serves all
/// companies.
///
/// # Errors
/// D1's.
pub async fn prune(db: &Db, before_ms: i64) -> Result<()> {
    db.run(sql::EXPORT_PRUNE, &[before_ms.into(), AUDIT_PRUNE_MAX.into()]).await.map(drop)
}

/// The number of users in a range of ids that may have changed since the snapshot.
///
/// # Errors
/// D1's.
pub async fn changed_users(
    db: &Db,
    company: &str,
    snapshot_ms: i64,
    (after, to): (Option<&str>, Option<&str>),
    mut slices: Slices,
) -> Result<i64> {
    let statement = Statement::new(sql::EXPORT_CHANGED_USERS, json!([company, snapshot_ms, to]));
    Ok(sum(db, statement, vec![json!(after.unwrap_or_default())], &mut slices).await?.unwrap_or_default())
}

/// The number of users whose set of events may have changed since the snapshot. With `user`, only
/// this one is counted.
///
/// # Errors
/// D1's.
pub async fn changed_owners(
    db: &Db,
    company: &str,
    snapshot_ms: i64,
    user: Option<&str>,
    mut slices: Slices,
) -> Result<i64> {
    let statement = Statement::new(sql::EXPORT_CHANGED_OWNERS, json!([company, snapshot_ms, user]));
    Ok(sum(db, statement, vec![json!("")], &mut slices).await?.unwrap_or_default())
}

/// A filter of events.
#[derive(Debug, Default, Clone)]
pub struct Events {
    /// Only from this `ts` on.
    pub from: Option<i64>,
    /// Only before this `ts`.
    pub before: Option<i64>,
    /// Only of this type.
    pub name: Option<String>,
    /// Only of this user.
    pub user: Option<String>,
}

/// The position of an event in the order of exports.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its session.
    pub session: String,
    /// When it happened.
    pub ts: i64,
    /// The API through which it came.
    pub source: Source,
    /// Its id.
    pub id: String,
}

/// A row of a page: an [`Event`] as a JSON array.
#[derive(Deserialize)]
struct Row {
    event: String,
}

/// An event with its owner: the items of the statements' arrays, in their order.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// Its id.
    pub message_id: String,
    /// Its name.
    pub name: String,
    /// When it happened.
    pub ts: i64,
    /// The API through which it came.
    pub source: Source,
    /// Its session.
    pub session: String,
    /// ms.
    pub received_at: i64,
    /// 1 if a bot sent it.
    pub bot: Option<i64>,
    /// 1 if a server sent it for a browser's session; its source is then the browser's.
    pub sent_by_server: Option<i64>,
    /// JSON object.
    pub data: String,
    /// JSON object: the page and the browser, as the sender described them.
    pub context: Option<String>,
    /// The person who owns it.
    pub profile: Option<String>,
    /// Only of the row at the end of a page: the number of events that were read for it.
    #[serde(default)]
    looked: Option<i64>,
}

impl Event {
    /// Its position.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { session: self.session.clone(), ts: self.ts, source: self.source, id: self.message_id.clone() }
    }
}

/// A page of events.
#[derive(Debug)]
pub struct EventPage {
    /// The events.
    pub events: Vec<Event>,
    /// The place after which the next page begins; `None` if this page is the last.
    pub next: Option<Place>,
}

#[derive(Deserialize)]
struct At {
    session: String,
    ts: i64,
    source: Source,
}

/// The place of an event by its id and source; `None` if there is no such event.
///
/// # Errors
/// D1's.
pub async fn place(db: &Db, company: &str, source: Source, id: &str) -> Result<Option<Place>> {
    let found: Option<At> = db.run(sql::EXPORT_PLACE, &[company.into(), source.into(), id.into()]).await?.first()?;
    Ok(found.map(|at| Place { session: at.session, ts: at.ts, source: at.source, id: id.to_owned() }))
}

/// Which events a page has.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest<'a> {
    /// Only events that were received until then, ms.
    pub received_ms: i64,
    /// The event after which the page begins.
    pub after: Option<&'a Place>,
    /// The most events.
    pub limit: i64,
}

/// The next events in the order of sessions. The page has fewer than `limit` events if a filter
/// leaves few of the [`EXPORT_LOOK_ROWS`] that are read.
///
/// # Errors
/// D1's.
pub async fn events(db: &Db, company: &str, wanted: &Events, page: PageRequest<'_>) -> Result<EventPage> {
    let PageRequest { received_ms, after, limit } = page;
    // Without a place, the statement for a person has no session to go on in. The other statement
    // begins before the first session.
    let session = after.map(|p| p.session.as_str()).or_else(|| if wanted.user.is_some() { None } else { Some("") });
    let params: [Param<'_>; 10] = [
        company.into(),
        received_ms.into(),
        wanted.from.into(),
        wanted.before.into(),
        wanted.name.as_ref().into(),
        session.into(),
        after.map_or(-1, |p| p.ts).into(),
        after.map_or(-1, |p| p.source.number()).into(),
        after.map_or("", |p| p.id.as_str()).into(),
        limit.into(),
    ];
    let is_filtered = wanted.from.is_some() || wanted.before.is_some() || wanted.name.is_some();
    let look = if is_filtered { limit.max(EXPORT_LOOK_ROWS) } else { limit };
    let of_all = (sql::EXPORT_EVENTS, look.into());
    let (statement, last) = wanted.user.as_ref().map_or(of_all, |user| (sql::EXPORT_EVENTS_OF, user.into()));
    let rows: Vec<Row> = db.run(statement, &[&params[..], &[last]].concat()).await?.rows_as_text()?;
    let mut events: Vec<Event> =
        rows.iter().map(|row| serde_json::from_str(&row.event)).collect::<serde_json::Result<_>>()?;
    let end = events.pop_if(|event| event.looked.is_some());
    let is_full = i64::try_from(events.len()).unwrap_or(i64::MAX) >= limit;
    let next = if is_full { events.last() } else { end.as_ref().filter(|end| end.looked >= Some(look)) };
    Ok(EventPage { next: next.map(Event::place), events })
}

/// The number of events that [`events`] would return; `None` if the count takes more slices than
/// are left.
///
/// # Errors
/// D1's.
pub async fn count_events(
    db: &Db,
    company: &str,
    wanted: &Events,
    received_ms: i64,
    slices: &mut Slices,
) -> Result<Option<i64>> {
    let params = json!([company, received_ms, wanted.from, wanted.before, wanted.name]);
    let Some(user) = &wanted.user else {
        return sum(db, Statement::new(sql::EXPORT_COUNT_EVENTS, params), vec![json!(-1), json!("")], slices).await;
    };
    let mut of = Statement::new(sql::EXPORT_COUNT_EVENTS_OF, params);
    of.params.push(json!(user));
    sum(db, of, vec![json!(""), json!(-1), json!(-1), json!("")], slices).await
}
