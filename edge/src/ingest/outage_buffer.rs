//! The outage buffer: a queue that stores requests while D1 is down or overloaded. A buffered
//! request is parsed and validated, and has its ids and times. Checks that need D1 (the company,
//! the key, the origin) run when it is stored.
//!
//! A message is `{"v":1,"at":ms of arrival,"work":{"<kind>":{…}}}`, sent as text. Unlike a wake-up
//! it holds personal data, because no other place is available. Of a key it holds only the hash. A
//! queue may deliver a message twice: ids make the repeat harmless. A request that is rejected
//! later is logged for its company. Data that must stay in a jurisdiction are in queues there,
//! whose bindings end with its name: `SPILL_EU`, `LOST_EU`.
//!
//! To buffer another kind of request: 1. add its variant to [`BufferedRequest`], 2. store it in
//! [`BufferedRequest::store`], 3. if it can be split, return its rows from
//! [`BufferedRequest::rows_mut`].

use std::fmt::Display;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};
use trackmate_wire::limits::{BUFFER_BYTES_MAX, BUFFER_WAIT_MS, REJECTED_MINUTE_MAX};
use trackmate_wire::problem::{Code, Problem};
use worker::{Delay, Env, console_error};

use crate::delivery::dispatch;
use crate::domain::clock;
use crate::domain::event::Row;
use crate::domain::incoming::Receipt;
use crate::domain::json;
use crate::domain::metrics;
use crate::domain::source::Source;
use crate::error::Error;
use crate::ingest::browser::BrowserBatch;
use crate::ingest::context::{Client, IngestContext};
use crate::ingest::identify::IdentifyCommand;
use crate::ingest::server::ServerBatch;
use crate::ingest::vendor::{VendorRequest, WriteKey};
use crate::runtime::clock::now_ms;
use crate::runtime::context::Context;
use crate::runtime::counters;
use crate::runtime::queue::send_text;
use crate::runtime::random;
use crate::store::request::LeaseBudget;
use crate::store::{self, cells, companies, directory};
use trackmate_wire::hex::hex;

/// The version of the message format.
const VERSION: u8 = 1;

/// A request that waits for the database.
#[derive(Serialize, Deserialize)]
pub(crate) enum BufferedRequest {
    /// Events of a browser.
    #[serde(rename = "sent")]
    Browser(BrowserBatch),
    /// An identify.
    #[serde(rename = "claimed")]
    Identify(IdentifyCommand),
    /// Events of a server, with its edit of their person.
    #[serde(rename = "told")]
    Server(ServerBatch),
    /// A request of another vendor's client.
    #[serde(rename = "foreign")]
    Vendor(VendorRequest),
}

impl BufferedRequest {
    async fn store(&self, cx: &IngestContext) -> Result<(), Error> {
        match self {
            Self::Browser(batch) => batch.store(cx).await.map(drop),
            Self::Identify(command) => command.store(cx).await.map(drop),
            Self::Server(batch) => batch.store_buffered(cx).await,
            Self::Vendor(request) => request.store_buffered(cx).await,
        }
    }

    /// The rows at which the request can be split; `None` if it cannot be split.
    const fn rows_mut(&mut self) -> Option<&mut Vec<Row>> {
        match self {
            Self::Browser(batch) => Some(&mut batch.rows),
            Self::Server(batch) => Some(&mut batch.rows),
            Self::Identify(_) | Self::Vendor(_) => None,
        }
    }

    /// The company and the session, where both are known without a key.
    fn company_and_session(&self) -> Option<(&str, &str)> {
        match self {
            Self::Browser(batch) => Some((&batch.company, &batch.session)),
            Self::Identify(command) => Some((&command.company, &command.session)),
            Self::Server(_) | Self::Vendor(_) => None,
        }
    }

    /// The key that the request was sent with.
    fn key(&self) -> WriteKey {
        match self {
            Self::Browser(batch) => WriteKey::Public(batch.company.clone()),
            Self::Identify(command) => WriteKey::Public(command.company.clone()),
            Self::Server(batch) => WriteKey::Server(batch.hash.clone()),
            Self::Vendor(request) => request.key.clone(),
        }
    }

    /// The parsed events. Vendor requests are buffered unparsed and have none.
    fn rows(&self) -> &[Row] {
        match self {
            Self::Browser(batch) => &batch.rows,
            Self::Identify(command) => std::slice::from_ref(&command.row),
            Self::Server(batch) => &batch.rows,
            Self::Vendor(_) => &[],
        }
    }

    /// The context in which the request is stored. Generated ids are the same as on arrival.
    fn context(&self, cx: Context) -> IngestContext {
        match self {
            Self::Browser(_) | Self::Identify(_) | Self::Server(_) => IngestContext::new(cx, Client::default()),
            Self::Vendor(request) => IngestContext::new(cx, request.client.clone()).with_seed(&request.seed),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Message<W> {
    v: u8,
    at: i64,
    /// The jurisdiction where the data stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jurisdiction: Option<String>,
    #[serde(rename = "work")]
    request: W,
}

/// Buffers the request if `stored` failed because D1 is down. → The result of storing it, or `None`
/// if it was buffered.
///
/// # Errors
/// Those of `stored`; also [`Error::Down`] if the request is too large for the queue or the queue
/// does not take it.
pub(crate) async fn buffer_if_down<T>(
    cx: &IngestContext,
    stored: Result<T, Error>,
    request: impl FnOnce() -> BufferedRequest,
) -> Result<Option<T>, Error> {
    let why = match stored {
        Ok(stored) => return Ok(Some(stored)),
        Err(Error::Down(why)) => why,
        Err(error) => return Err(error),
    };
    let not_queued = |reason: &dyn Display| Error::Down(format!("{why}; not queued: {reason}"));
    let request = request();
    let jurisdiction = jurisdiction(cx.env(), &request.key()).map_err(|reason| not_queued(&reason))?;
    let queue = queue_name("SPILL", jurisdiction.as_deref());
    let message = Message { v: VERSION, at: cx.now_ms(), jurisdiction, request };
    let texts = split(message)?.ok_or_else(|| not_queued(&"the request is too large"))?;
    for text in &texts {
        send(cx.env(), &queue, text, 0).await.map_err(|error| not_queued(&error))?;
    }
    counters::add(&metrics::BUFFERED, &[], texts.len());
    console_error!("request {} was queued: {why}", cx.request_id());
    Ok(None)
}

/// The jurisdiction where the data of this company stay. It is that of the cell, which is unknown
/// while the directory is down: then nothing may be queued, unless no cell has a jurisdiction.
fn jurisdiction(env: &Env, key: &WriteKey) -> Result<Option<String>, &'static str> {
    let mut declared = directory::declared(env);
    if declared.values().all(|cell| cell.jurisdiction.is_none()) {
        return Ok(None);
    }
    let cell = match key {
        WriteKey::Public(company) => cells::of_company(env, company),
        WriteKey::Server(hash) => cells::of_key(env, hash),
    };
    let cell = cell.ok_or("nobody knows in which jurisdiction the company is")?;
    Ok(declared.remove(&*cell).and_then(|cell| cell.jurisdiction))
}

/// The binding of a queue for data that stay in this jurisdiction.
fn queue_name(queue: &str, jurisdiction: Option<&str>) -> String {
    jurisdiction.map_or_else(|| queue.to_owned(), |place| format!("{queue}_{}", place.to_uppercase()))
}

/// Splits a request into messages of at most `BUFFER_BYTES_MAX`; `None` if one of its parts is
/// larger.
fn split(mut message: Message<BufferedRequest>) -> Result<Option<Vec<String>>, Error> {
    let whole = serde_json::to_string(&message)?;
    if whole.len() <= BUFFER_BYTES_MAX {
        return Ok(Some(vec![whole]));
    }
    let Some(rows) = message.request.rows_mut().map(std::mem::take) else { return Ok(None) };
    let frame = serde_json::to_string(&message)?.len();
    let (mut parts, mut bytes) = (Vec::new(), usize::MAX);
    for row in rows {
        let size = serde_json::to_string(&row)?.len() + 1;
        if frame + size > BUFFER_BYTES_MAX {
            return Ok(None);
        }
        if bytes.saturating_add(size) > BUFFER_BYTES_MAX {
            parts.push(Vec::new());
            bytes = frame;
        }
        bytes += size;
        if let Some(part) = parts.last_mut() {
            part.push(row);
        }
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let mut texts = Vec::with_capacity(parts.len());
    for part in parts {
        if let Some(rows) = message.request.rows_mut() {
            *rows = part;
        }
        texts.push(serde_json::to_string(&message)?);
    }
    Ok(Some(texts))
}

/// Sends a message to a queue. Waits at most `BUFFER_WAIT_MS`, because an overloaded queue may
/// hang.
pub(crate) async fn send(env: &Env, queue: &str, text: &str, delay_s: u32) -> worker::Result<()> {
    let sending = pin!(send_text(env, queue, text, delay_s));
    let waiting = Delay::from(Duration::from_millis(BUFFER_WAIT_MS));
    match select(sending, waiting).await {
        Either::Left((sent, _)) => sent,
        Either::Right(_) => Err(worker::Error::RustError(format!("the queue did not answer in {BUFFER_WAIT_MS} ms"))),
    }
}

/// A message of the outage buffer: a request and the time of its arrival.
pub(crate) struct BufferedMessage(Message<BufferedRequest>);

/// The result of storing a buffered request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreOutcome {
    /// It is stored, now or by an earlier try.
    Stored,
    /// It was rejected, and the rejection is logged.
    Rejected,
    /// D1 is still down, or full.
    Down,
    /// An internal error occurred.
    Failed,
}

impl BufferedMessage {
    /// Reads a message; `None` if it has another version or format.
    pub(crate) fn read(text: &str) -> Option<Self> {
        // A message of an earlier Worker may hold JSON that only the public parser accepts.
        serde_json::from_str(&json::normalised(text))
            .ok()
            .filter(|message: &Message<BufferedRequest>| message.v == VERSION)
            .map(Self)
    }

    /// The binding of this queue for the message.
    pub(crate) fn queue(&self, queue: &str) -> String {
        queue_name(queue, self.0.jurisdiction.as_deref())
    }

    /// Time of arrival of the request, ms.
    pub(crate) const fn at_ms(&self) -> i64 {
        self.0.at
    }

    /// Logs for the company and for the operator that the request was lost. → `false` if the
    /// company's log is full for this minute; the caller then tries again.
    pub(crate) async fn give_up(&self, env: &Env) -> store::Result<bool> {
        let Message { at, request, .. } = &self.0;
        let key = request.key();
        let (source, company) = match key {
            WriteKey::Public(company) => (Source::Browser, Some(company)),
            WriteKey::Server(hash) => {
                let found = companies::key(&store::database_of_key(env, &hash)?, &hash).await?;
                (Source::Server, found.map(|key| key.company))
            }
        };
        let session = request.company_and_session().map(|(_, session)| session);
        let rows = request.rows();
        let (items, at) = (rows.len().max(1), clock::iso(*at));
        console_error!(
            "{items} QUEUED ITEMS of {at} were given up: {} (docs/deploy.md)",
            company.as_deref().unwrap_or("whose, nobody knows")
        );
        let Some(company) = company else { return Ok(true) };
        let message = format!(
            "it was queued on {at} while the database was down, with {items} items in all, \
             and could not be stored since"
        );
        let problem = Problem::new(Code::NotStored, message);
        let most = usize::try_from(REJECTED_MINUTE_MAX).unwrap_or_default();
        let mut receipts: Vec<Receipt> =
            rows.iter().take(most).map(|row| Receipt::refused(row, session, &problem)).collect();
        if receipts.is_empty() {
            receipts.push(Receipt::rejected(None, None, None, &problem));
        }
        store::incoming::add(&store::database(env, Some(&company))?, &company, source, &receipts, now_ms()).await
    }

    /// Stores the request with its time of arrival.
    pub(crate) async fn store(&self, env: &Env, worker: &Rc<worker::Context>) -> StoreOutcome {
        let cx = Context::new(env.clone(), Rc::clone(worker), self.0.at, hex(&random::bytes::<8>()));
        // Its deliveries get wake-ups and no leases, because a lease would be as old as the
        // request.
        cx.lease_budget_or(|| LeaseBudget { events: 0, busy: "[]".to_owned() });
        let cx = self.0.request.context(cx);
        let outcome = self.store_in(&cx).await;
        dispatch::schedule(&cx);
        outcome
    }

    async fn store_in(&self, cx: &IngestContext) -> StoreOutcome {
        let request = &self.0.request;
        let rows = request.rows();
        // Server batches and vendor requests set the company themselves, once their key is known.
        if let Some((company, session)) = request.company_and_session() {
            cx.log().set_company(company, Source::Browser);
            cx.log().set_session(session);
        }
        let stored = request.store(cx).await;
        if let Err(error) = &stored
            && error.code() == Code::Busy
        {
            return StoreOutcome::Down; // The queue retries it, as it does while D1 is down.
        }
        if let Err(Error::Problem(problem)) = &stored {
            console_error!("{} queued items were rejected: {}", rows.len(), problem.code.as_str());
            cx.log().rejected_valid_events(rows.iter().map(|row| (row, problem)));
        }
        cx.log().write(cx, &stored);
        match stored {
            Ok(()) => StoreOutcome::Stored,
            Err(Error::Problem(_)) => StoreOutcome::Rejected,
            Err(Error::Down(_)) => StoreOutcome::Down,
            // The operator may make room before the message expires.
            Err(error @ Error::Full(_)) => {
                error.log("storing a queued request");
                StoreOutcome::Down
            }
            Err(Error::Internal(detail)) => failed(&detail),
        }
    }
}

fn failed(detail: &str) -> StoreOutcome {
    console_error!("a queued request could not be stored: {detail}");
    StoreOutcome::Failed
}

#[cfg(test)]
mod tests;
