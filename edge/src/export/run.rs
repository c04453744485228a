//! A running export: streams pages from D1 into the answer, hashes them, and records how it ended.
//!
//! D1 has no snapshot that lasts over several queries. Instead the rows have an order that never
//! changes (by id), rows created after the snapshot time are left out, and the users that changed
//! since are counted (`changedDuring`). If that is 0, the export shows the state at the snapshot
//! time, and another export of that time with 0 has the same bytes.

use std::rc::Rc;

use futures_util::stream::{Stream, try_unfold};
use serde::Serialize;
use serde_json::value::RawValue;
use trackmate_wire::limits::{
    EXPORT_CHUNK_ROWS, EXPORT_FIRST_ROWS, EXPORT_KEY_CHECKS, EXPORT_KEY_MS, EXPORT_MARK_ROWS, EXPORT_MARKS_MAX,
    EXPORT_PAGE_BYTES, EXPORT_PAGE_ROWS, EXPORT_PAUSE_MS,
};
use trackmate_wire::signature::Digested;
use worker::{Context, Env, console_error};

use crate::domain::export::{Mark, Marks, Writer};
use crate::domain::listing::Wanted;
use crate::domain::person_records::Included;
use crate::domain::{clock, json};
use crate::error::Error;
use crate::export::user::with;
use crate::runtime::clock::now_ms;
use crate::store::exports::{self, End, Ended, EventPage, Events, PageRequest, Place, Progress};
use crate::store::slices::{Slices, Turns};
use crate::store::{self, Db, companies, listing};

/// The rows of an export.
pub(crate) enum Dataset {
    /// A company's users.
    Users {
        /// The filter.
        wanted: Wanted,
        /// Which records of each user are included.
        included: Included,
        /// The id after which it begins.
        after: Option<String>,
    },
    /// Events.
    Events {
        /// The filter.
        wanted: Events,
        /// The event after which it begins.
        after: Option<Place>,
    },
}

/// The parameters of an export.
pub(crate) struct Plan {
    pub(crate) company: String,
    /// The id of the key of the request.
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) dataset: Dataset,
    pub(crate) writer: Writer,
    /// The text before the rows.
    pub(crate) head: String,
    pub(crate) snapshot_ms: i64,
    /// The row after which it begins.
    pub(crate) after: Option<String>,
    /// The most rows.
    pub(crate) limit: Option<u64>,
    /// The most pages that may still be read.
    pub(crate) pages: usize,
    /// Whether it may end before its last row. Otherwise it fails, because nobody would notice that
    /// the file is incomplete.
    pub(crate) partial: bool,
}

/// The bytes of the answer. If the stream is dropped early, because the reader has gone, the export
/// is recorded as aborted.
pub(crate) fn stream(
    env: Env,
    context: Rc<Context>,
    db: Db,
    plan: Plan,
) -> impl Stream<Item = Result<Vec<u8>, worker::Error>> {
    let turns = Turns::new(&plan.company, EXPORT_PAUSE_MS);
    let run = Run {
        env,
        context,
        db,
        plan,
        hash: Digested::default(),
        progress: Progress::default(),
        marks: Marks::new(EXPORT_MARK_ROWS, EXPORT_MARKS_MAX),
        page: EXPORT_FIRST_ROWS,
        checked_ms: now_ms(),
        checks: EXPORT_KEY_CHECKS,
        turns,
        part: None,
        before_page: Progress::default(),
        ended: false,
    };
    try_unfold(run, |mut run| async move {
        match run.next().await {
            Ok(None) => Ok(None),
            Ok(Some(bytes)) => Ok(Some((bytes, run))),
            Err(error) => {
                error.log(&format!("export {}", run.plan.id));
                Err(worker::Error::RustError("the export failed".into()))
            }
        }
    })
}

struct Run {
    env: Env,
    context: Rc<Context>,
    db: Db,
    plan: Plan,
    hash: Digested,
    progress: Progress,
    marks: Marks,
    /// The number of rows of the next page.
    page: i64,
    /// When the key was last checked, ms.
    checked_ms: i64,
    /// Key checks left that do not count as a page.
    checks: usize,
    /// Limits how often a page is read.
    turns: Turns,
    /// The page that is being sent.
    part: Option<Part>,
    /// The progress before the present page: an aborted export records only whole pages.
    before_page: Progress,
    ended: bool,
}

/// The rows of a page. They are written and sent in chunks, because the isolate serves other
/// requests too.
struct Part {
    /// Each row as JSON.
    rows: Box<dyn Iterator<Item = Result<String, Error>>>,
    /// The number of rows.
    count: usize,
    /// The number of rows written.
    written: usize,
    /// The bytes of the rows written.
    bytes: usize,
    /// The cursor of the last row read, for `after`; `None` if no row was read.
    last: Option<String>,
    /// Whether this is the last page.
    is_last: bool,
}

impl Part {
    fn new(
        rows: impl ExactSizeIterator<Item = Result<String, Error>> + 'static,
        last: Option<String>,
        is_last: bool,
    ) -> Self {
        Self { count: rows.len(), rows: Box::new(rows), written: 0, bytes: 0, last, is_last }
    }
}

impl Default for Part {
    fn default() -> Self {
        Self::new(std::iter::empty(), None, false)
    }
}

impl Run {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// If the key was revoked or the export is longer than one invocation may read; D1's.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.ended {
            return Ok(None);
        }
        let mut out = std::mem::take(&mut self.plan.head);
        if self.part.is_none() {
            if self.plan.pages == 0 {
                let end = End::Partial(self.changed(false).await?);
                return self.finish(out, end).await;
            }
            self.plan.pages -= 1;
            self.check_key().await?;
            let left = self.plan.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.progress.rows));
            let most = self.page.min(i64::try_from(left).unwrap_or(i64::MAX));
            self.before_page = self.progress_now();
            self.part = Some(if most > 0 { self.rows(most).await? } else { Part::default() });
        }
        let Some(mut part) = self.part.take() else { return Ok(None) };
        for row in part.rows.by_ref().take(EXPORT_CHUNK_ROWS) {
            let row = row?;
            self.plan.writer.row(&mut out, &row)?;
            part.bytes += row.len();
            part.written += 1;
            self.progress.rows += 1;
        }
        if part.written < part.count {
            self.part = Some(part);
            return Ok(Some(self.send(out)));
        }
        // An empty page (of a filter that matches rarely) says nothing about the size of the next
        // one.
        if let Some(bytes_per_row) = part.bytes.checked_div(part.count) {
            let bytes_per_row = i64::try_from(bytes_per_row).unwrap_or(i64::MAX).max(1);
            self.page = (EXPORT_PAGE_BYTES / bytes_per_row).clamp(EXPORT_FIRST_ROWS, EXPORT_PAGE_ROWS);
        }
        self.progress.last = part.last.or_else(|| self.progress.last.take());
        let is_full = self.plan.limit.is_some_and(|limit| self.progress.rows >= limit);
        if part.is_last || is_full {
            let end = End::Complete(self.changed(part.is_last).await?);
            return self.finish(out, end).await;
        }
        let bytes = self.send(out);
        if self.marks.is_due(self.progress.rows) {
            let last = self.progress.last.clone().unwrap_or_default();
            self.marks.set(Mark(self.progress.rows, self.progress.bytes, self.hash.hex(), last));
            let progress = self.progress_now();
            exports::mark(&self.db, &self.plan.company, &self.plan.id, &progress, now_ms()).await?;
        }
        Ok(Some(bytes))
    }

    /// Fails if the key was revoked. It is checked from time to time only, because every query
    /// counts against the limit of the invocation.
    async fn check_key(&mut self) -> Result<(), Error> {
        if now_ms() - self.checked_ms < EXPORT_KEY_MS {
            return Ok(());
        }
        self.checked_ms = now_ms();
        if self.checks > 0 {
            self.checks -= 1;
        } else {
            self.plan.pages = self.plan.pages.saturating_sub(1);
        }
        if !companies::is_live(&self.db, &self.plan.company, &self.plan.key).await? {
            return Err(Error::Internal("its key was revoked".to_owned()));
        }
        Ok(())
    }

    /// The last bytes. The end is recorded before they are sent, so that a reader who has them
    /// finds it.
    async fn finish(&mut self, mut out: String, end: End) -> Result<Option<Vec<u8>>, Error> {
        let (changed, after) = match end {
            End::Complete(changed) => (changed, None),
            End::Partial(changed) => (changed, self.progress.last.clone().or_else(|| self.plan.after.clone())),
            End::Aborted => (0, None),
        };
        let after = serde_json::to_string(&after)?;
        let is_cut_short = matches!(end, End::Partial(_)) && !self.plan.partial;
        if !is_cut_short {
            let rows = self.progress.rows;
            out.push_str(
                &self.plan.writer.tail(&format!("\"rows\":{rows},\"changedDuring\":{changed},\"after\":{after}")),
            );
        }
        let bytes = self.send(out);
        let progress = self.progress_now();
        exports::end(&self.db, &self.plan.company, &self.plan.id, Ended { progress: &progress, end }, now_ms()).await?;
        self.ended = true;
        if is_cut_short {
            let message =
                "it is longer than one invocation may read; with partial=true it ends where the next part begins";
            return Err(Error::Internal(message.to_owned()));
        }
        Ok(Some(bytes))
    }

    fn send(&mut self, out: String) -> Vec<u8> {
        let bytes = out.into_bytes();
        self.hash.update(&bytes);
        self.progress.bytes += u64::try_from(bytes.len()).unwrap_or_default();
        bytes
    }

    fn progress_now(&self) -> Progress {
        Progress { sha256: self.hash.hex(), marks: self.marks.kept().to_vec(), ..self.progress.clone() }
    }

    async fn rows(&mut self, most: i64) -> Result<Part, Error> {
        let (db, company) = (&self.db, self.plan.company.as_str());
        match &mut self.plan.dataset {
            Dataset::Users { wanted, included, after } => {
                let page = users(db, company, (wanted, included), after.as_deref(), most);
                let part = self.turns.take(page).await?;
                if let Some(last) = &part.last {
                    *after = Some(last.clone());
                }
                Ok(part)
            }
            Dataset::Events { wanted, after } => {
                let page = PageRequest { received_ms: self.plan.snapshot_ms, after: after.as_ref(), limit: most };
                let page = exports::events(db, company, wanted, page);
                let EventPage { events, next } = self.turns.take(page).await?;
                let ended = events.last().map(exports::Event::place);
                let last = next.as_ref().or(ended.as_ref()).map(event_cursor);
                let is_last = next.is_none();
                *after = next;
                Ok(Part::new(events.into_iter().map(|event| event_json(&event)), last, is_last))
            }
        }
    }

    /// The number of users in this part who may have changed since the snapshot time.
    async fn changed(&self, to_the_end: bool) -> Result<i64, Error> {
        let (db, company, snapshot) = (&self.db, self.plan.company.as_str(), self.plan.snapshot_ms);
        let slices = Slices::at_the_end(company, self.plan.pages);
        Ok(match &self.plan.dataset {
            Dataset::Users { .. } => {
                let after = self.plan.after.as_deref();
                let to = self.progress.last.as_deref().filter(|_| !to_the_end);
                exports::changed_users(db, company, snapshot, (after, to), slices).await?
            }
            Dataset::Events { wanted, .. } => {
                exports::changed_owners(db, company, snapshot, wanted.user.as_deref(), slices).await?
            }
        })
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let progress = if self.part.is_some() { std::mem::take(&mut self.before_page) } else { self.progress_now() };
        let (env, company, id, progress) =
            (self.env.clone(), self.plan.company.clone(), self.plan.id.clone(), progress);
        self.context.wait_until(async move {
            let recorded = async {
                let db = store::database(&env, Some(&company))?;
                let ended = Ended { progress: &progress, end: End::Aborted };
                exports::end(&db, &company, &id, ended, now_ms()).await
            };
            if let Err(error) = recorded.await {
                console_error!("export {id} was not recorded as aborted: {}", store::brief(&error));
            }
        });
    }
}

/// The next page of users, as in the API, with the included records.
async fn users(
    db: &Db,
    company: &str,
    (wanted, included): (&Wanted, &Included),
    after: Option<&str>,
    most: i64,
) -> Result<Part, Error> {
    let page = listing::next(db, company, wanted, after, most).await?;
    let people = page.items.iter().map(|profile| Ok(profile.person(company)?)).collect::<Result<Vec<_>, Error>>()?;
    let ids: Vec<&str> = people.iter().map(|person| person.id.as_str()).collect();
    let theirs = store::records::of_people(db, company, &ids, included, included.most(ids.len())).await?;
    let last = people.last().map(|person| person.id.clone());
    let is_last = !page.is_early && i64::try_from(people.len()).unwrap_or(i64::MAX) < most;
    let rows = with(&people, theirs).into_iter().map(|user| Ok(serde_json::to_string(&user)?));
    Ok(Part::new(rows, last, is_last))
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ExportedEvent"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event<'a> {
    message_id: &'a str,
    event_type: &'a str,
    timestamp: String,
    source: &'static str,
    session_id: Option<&'a str>,
    user_id: Option<&'a str>,
    received_at: String,
    /// Whether a machine sent it, by its own word.
    bot: bool,
    event_data: Box<RawValue>,
    /// The page and the browser, as its sender told them.
    context: Option<Box<RawValue>>,
}

fn event_json(event: &exports::Event) -> Result<String, Error> {
    Ok(serde_json::to_string(&Event {
        message_id: &event.message_id,
        event_type: &event.name,
        timestamp: clock::iso(clock::ts_ms(event.ts)),
        source: event.source.shown(event.sent_by_server.is_some()).name(),
        session_id: Some(event.session.as_str()).filter(|session| !session.is_empty()),
        user_id: event.profile.as_deref(),
        received_at: clock::iso(event.received_at),
        bot: event.bot.is_some(),
        event_data: json::raw(event.data.clone())?,
        context: event.context.clone().map(json::raw).transpose()?,
    })?)
}

/// The cursor of an event, for `after`.
pub(crate) fn event_cursor(event: &Place) -> String {
    format!("{}:{}", event.source.name(), event.id)
}
