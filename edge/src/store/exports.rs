//! Exports: the events that go into one, what changed while it ran, and the list of all there were.

use serde::Deserialize;
use serde_json::json;
use trackmate_wire::limits::{AUDIT_PRUNE_MAX, EXPORT_LOOK_ROWS, EXPORTS_RUNNING_MAX};

use super::slices::{Slices, sum};
use super::{Db, Page, Param, Result, Statement, list_bytes, sql};
use crate::domain::export::{Format, Kind, Mark};

/// An export that begins.
#[derive(Debug, Clone, Copy)]
pub struct Begun<'a> {
    /// `exp_…`
    pub id: &'a str,
    /// The id of the key it was asked for with …
    pub key: &'a str,
    /// … and its first characters.
    pub prefix: &'a str,
    /// What.
    pub kind: Kind,
    /// How.
    pub format: Format,
    /// JSON object.
    pub filters: &'a str,
    /// JSON array, or all.
    pub fields: Option<&'a str>,
    /// ms.
    pub snapshot_ms: i64,
    /// The row behind which it begins.
    pub after: Option<&'a str>,
    /// The request's id.
    pub request: &'a str,
}

/// Notes that an export begins; `false` if too many of the company's are under way.
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

/// How far an export has come.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Rows handed over.
    pub rows: u64,
    /// Bytes handed over.
    pub bytes: u64,
    /// SHA-256 of them, hex.
    pub sha256: String,
    /// The last row.
    pub last: Option<String>,
    /// Where a broken download may go on.
    pub marks: Vec<Mark>,
}

/// How an export ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With its last row, and so many users that changed after the snapshot.
    Complete(i64),
    /// Before it, for one invocation cannot read more.
    Partial(i64),
    /// By a failure, or by its reader.
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

/// Notes how far an export has come.
///
/// # Errors
/// D1's.
pub async fn mark(db: &Db, company: &str, id: &str, come: &Progress, now_ms: i64) -> Result<()> {
    let marks = serde_json::to_string(&come.marks)?;
    db.run(sql::EXPORT_MARK, &progress(company, id, come, &marks, now_ms)).await.map(drop)
}

/// Notes how an export ended.
///
/// # Errors
/// D1's.
pub async fn end(db: &Db, company: &str, id: &str, come: &Progress, end: End, now_ms: i64) -> Result<()> {
    let marks = serde_json::to_string(&come.marks)?;
    let (state, changed) = match end {
        End::Complete(changed) => ("complete", Some(changed)),
        End::Partial(changed) => ("partial", Some(changed)),
        End::Aborted => ("aborted", None),
    };
    let params = progress(company, id, come, &marks, now_ms);
    db.run(sql::EXPORT_END, &[&params[..], &[state.into(), changed.into()]].concat()).await.map(drop)
}

/// An export as stored.
#[derive(Debug, Deserialize)]
pub struct Export {
    /// `exp_…`
    pub id: String,
    /// The key it was asked for with.
    pub key_id: String,
    /// Its first characters.
    pub key_prefix: String,
    /// What.
    pub kind: String,
    /// How.
    pub format: String,
    /// JSON object.
    pub filters: String,
    /// JSON array, or all.
    pub fields: Option<String>,
    /// ms.
    pub snapshot: i64,
    /// The row behind which it began.
    pub after: Option<String>,
    /// How it stands.
    pub state: String,
    /// Rows handed over.
    pub rows: i64,
    /// Bytes handed over.
    pub bytes: i64,
    /// Of them.
    pub sha256: Option<String>,
    /// Users that changed after the snapshot.
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

/// Gives up exports without a sign of life since then. Takes no company: the sweep serves all.
///
/// # Errors
/// D1's.
pub async fn abandon(db: &Db, now_ms: i64, before_ms: i64) -> Result<()> {
    db.run(sql::EXPORT_ABANDON, &[now_ms.into(), before_ms.into()]).await.map(drop)
}

/// Deletes a slice of what is older than this. Takes no company: the sweep serves all.
///
/// # Errors
/// D1's.
pub async fn prune(db: &Db, before_ms: i64) -> Result<()> {
    db.run(sql::EXPORT_PRUNE, &[before_ms.into(), AUDIT_PRUNE_MAX.into()]).await.map(drop)
}

/// How many users in a range of ids may not be as they were at the snapshot.
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

/// How many users, or whether this one, may own other events than at the snapshot.
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

/// Which events are asked for.
#[derive(Debug, Default, Clone)]
pub struct Events {
    /// From this `ts`.
    pub from: Option<i64>,
    /// Before this `ts`.
    pub before: Option<i64>,
    /// Of this type.
    pub name: Option<String>,
    /// Of this user.
    pub user: Option<String>,
}

/// Where an event stands in the order of exports.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its session.
    pub session: String,
    /// When it happened.
    pub ts: i64,
    /// 0 browser, 1 server.
    pub source: i64,
    /// Its id.
    pub id: String,
}

/// An event with its owner.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// Its id.
    pub message_id: String,
    /// Its name.
    #[serde(rename = "type")]
    pub name: String,
    /// When it happened.
    pub ts: i64,
    /// 0 browser, 1 server.
    pub source: i64,
    /// Where it was stored.
    pub session: String,
    /// ms.
    pub received_at: i64,
    /// 1 if a machine sent it.
    pub bot: Option<i64>,
    /// 1 if a server told it, though it stands at the pages' door.
    pub told: Option<i64>,
    /// JSON object.
    pub data: String,
    /// JSON object: the page and the browser, as they were told.
    pub context: Option<String>,
    /// Whose it is.
    pub profile: Option<String>,
    /// Of the row that says where the page ends: how many events were looked at.
    #[serde(default)]
    looked: Option<i64>,
}

impl Event {
    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { session: self.session.clone(), ts: self.ts, source: self.source, id: self.message_id.clone() }
    }
}

/// The next events.
#[derive(Debug)]
pub struct EventPage {
    /// They.
    pub events: Vec<Event>,
    /// Behind which to go on; `None` if there are no more.
    pub next: Option<Place>,
}

#[derive(Deserialize)]
struct At {
    session: String,
    ts: i64,
    source: i64,
}

/// The place of an event by its id and who told it; `None` if there is none.
///
/// # Errors
/// D1's.
pub async fn place(db: &Db, company: &str, source: i64, id: &str) -> Result<Option<Place>> {
    let found: Option<At> = db.run(sql::EXPORT_PLACE, &[company.into(), source.into(), id.into()]).await?.first()?;
    Ok(found.map(|at| Place { session: at.session, ts: at.ts, source: at.source, id: id.to_owned() }))
}

/// The next events, in the order of sessions, that were received by then: at most `limit`, and
/// fewer where a filter leaves few of the [`EXPORT_LOOK_ROWS`] that are looked at.
///
/// # Errors
/// D1's.
pub async fn events(
    db: &Db,
    company: &str,
    asked: &Events,
    received_ms: i64,
    after: Option<&Place>,
    limit: i64,
) -> Result<EventPage> {
    // Without a place a person's statement has no session to go on in; the others begin before the
    // first.
    let session = after.map(|p| p.session.as_str()).or_else(|| if asked.user.is_some() { None } else { Some("") });
    let params: [Param<'_>; 10] = [
        company.into(),
        received_ms.into(),
        asked.from.into(),
        asked.before.into(),
        asked.name.as_ref().into(),
        session.into(),
        after.map_or(-1, |p| p.ts).into(),
        after.map_or(-1, |p| p.source).into(),
        after.map_or("", |p| p.id.as_str()).into(),
        limit.into(),
    ];
    let is_filtered = asked.from.is_some() || asked.before.is_some() || asked.name.is_some();
    let look = if is_filtered { limit.max(EXPORT_LOOK_ROWS) } else { limit };
    let mut events: Vec<Event> = match &asked.user {
        Some(user) => db.run(sql::EXPORT_EVENTS_OF, &[&params[..], &[user.into()]].concat()).await?.rows()?,
        None => db.run(sql::EXPORT_EVENTS, &[&params[..], &[look.into()]].concat()).await?.rows()?,
    };
    let end = events.pop_if(|event| event.looked.is_some());
    let is_full = i64::try_from(events.len()).unwrap_or(i64::MAX) >= limit;
    let next = if is_full { events.last() } else { end.as_ref().filter(|end| end.looked >= Some(look)) };
    Ok(EventPage { next: next.map(Event::place), events })
}

/// How many events [`events`] would go through; `None` if that takes more slices than are left.
///
/// # Errors
/// D1's.
pub async fn count_events(
    db: &Db,
    company: &str,
    asked: &Events,
    received_ms: i64,
    slices: &mut Slices,
) -> Result<Option<i64>> {
    let params = json!([company, received_ms, asked.from, asked.before, asked.name]);
    let Some(user) = &asked.user else {
        return sum(db, Statement::new(sql::EXPORT_COUNT_EVENTS, params), vec![json!(-1), json!("")], slices).await;
    };
    let mut of = Statement::new(sql::EXPORT_COUNT_EVENTS_OF, params);
    of.params.push(json!(user));
    sum(db, of, vec![json!(""), json!(-1), json!(-1), json!("")], slices).await
}
