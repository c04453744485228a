//! The spill queue: what was sent while D1 is down or overloaded, kept until it is back. Whatever
//! can be read and checked without D1 was, and has its ids and times; what only D1 knows (is this a
//! company, a key, may the page send?) is asked when it is stored.
//!
//! A message is `{"v":1,"at":ms of arrival,"work":{"<kind>":{…}}}`, sent as text. Unlike a wake-up
//! it holds people's data, because there is nowhere else to put them; of a key it holds the hash.
//! It may be stored twice or never: ids make a repeat harmless, and what is refused is noted.
//!
//! To keep another kind of request: 1. its variant in [`Work`], 2. how it is stored in
//! [`Work::store`], 3. how it is split in [`Work::rows`].

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};
use trackmate_wire::limits::{REJECTED_MINUTE_MAX, SPILL_BYTES_MAX, SPILL_WAIT_MS};
use trackmate_wire::problem::{Code, Problem};
use wasm_bindgen::JsValue;
use worker::{Delay, Env, QueueContentType, RawMessageBuilder, console_error};

use crate::delivery::dispatch;
use crate::domain::clock;
use crate::domain::event::Row;
use crate::domain::incoming::Entry;
use crate::domain::json;
use crate::error::Error;
use crate::ingest::browser::BrowserBatch;
use crate::ingest::context::{Client, IngestContext};
use crate::ingest::identify::IdentifyCommand;
use crate::ingest::server::ServerBatch;
use crate::ingest::vendor::{Key, VendorRequest};
use crate::runtime::clock::now_ms;
use crate::runtime::context::Context;
use crate::runtime::random;
use crate::store::request::Room;
use crate::store::{self, companies};
use trackmate_wire::hex::hex;

/// The version of the form.
const VERSION: u8 = 1;

/// What is to be stored.
#[derive(Serialize, Deserialize)]
pub(crate) enum Work {
    /// A page's events.
    #[serde(rename = "sent")]
    Browser(BrowserBatch),
    /// An identify.
    #[serde(rename = "claimed")]
    Identify(IdentifyCommand),
    /// A server's events, and what it says of their person.
    #[serde(rename = "told")]
    Server(ServerBatch),
    /// What another vendor's client sent.
    #[serde(rename = "foreign")]
    Vendor(VendorRequest),
}

impl Work {
    async fn store(&self, cx: &IngestContext) -> Result<(), Error> {
        match self {
            Self::Browser(batch) => batch.store(cx).await.map(drop),
            Self::Identify(command) => command.store(cx).await.map(drop),
            Self::Server(batch) => batch.store_buffered(cx).await,
            Self::Vendor(request) => request.store_buffered(cx).await,
        }
    }

    /// The rows by which it can be split; `None` for what is one thing.
    const fn rows(&mut self) -> Option<&mut Vec<Row>> {
        match self {
            Self::Browser(batch) => Some(&mut batch.rows),
            Self::Server(batch) => Some(&mut batch.rows),
            Self::Identify(_) | Self::Vendor(_) => None,
        }
    }

    /// The session of a page, and its company.
    fn place(&self) -> Option<(&str, &str)> {
        match self {
            Self::Browser(batch) => Some((&batch.company, &batch.session)),
            Self::Identify(command) => Some((&command.company, &command.session)),
            Self::Server(_) | Self::Vendor(_) => None,
        }
    }

    /// Whose it is, and whether it came by the server door.
    fn whose(&self) -> (Key, bool) {
        match self {
            Self::Browser(batch) => (Key::Public(batch.company.clone()), false),
            Self::Identify(command) => (Key::Public(command.company.clone()), false),
            Self::Server(batch) => (Key::Server(batch.hash.clone()), true),
            Self::Vendor(request) => (request.key.clone(), matches!(request.key, Key::Server(_))),
        }
    }

    /// The company and the session, where it does not take a key to know them, whether it came by
    /// the server door, and its rows.
    fn told(&self) -> (Option<(&str, &str)>, bool, &[Row]) {
        match self {
            Self::Browser(batch) => (self.place(), false, &batch.rows),
            Self::Identify(command) => (self.place(), false, std::slice::from_ref(&command.row)),
            Self::Server(batch) => (None, true, &batch.rows),
            Self::Vendor(_) => (None, false, &[]),
        }
    }

    /// What is known of the request when it is stored. Its ids are as they were.
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
    work: W,
}

/// What came of storing something; `None` if D1 is down and it is kept instead.
pub(crate) async fn or_keep<T>(
    cx: &IngestContext,
    stored: Result<T, Error>,
    work: impl FnOnce() -> Work,
) -> Result<Option<T>, Error> {
    let why = match stored {
        Ok(stored) => return Ok(Some(stored)),
        Err(Error::Down(why)) => why,
        Err(error) => return Err(error),
    };
    let Some(texts) = split(cx.now_ms(), work())? else {
        return Err(Error::Down(format!("{why}; the request is too large to be queued")));
    };
    for text in &texts {
        send(cx.env(), "SPILL", text, 0).await.map_err(|error| Error::Down(format!("{why}; not queued: {error}")))?;
    }
    console_error!("request {} was queued: {why}", cx.request_id());
    Ok(None)
}

fn text(at: i64, work: &Work) -> Result<String, Error> {
    Ok(serde_json::to_string(&Message { v: VERSION, at, work })?)
}

/// The messages of a request; `None` if something in it is too large for one.
fn split(at: i64, mut work: Work) -> Result<Option<Vec<String>>, Error> {
    let whole = text(at, &work)?;
    if whole.len() <= SPILL_BYTES_MAX {
        return Ok(Some(vec![whole]));
    }
    let Some(rows) = work.rows().map(std::mem::take) else { return Ok(None) };
    let frame = text(at, &work)?.len();
    let (mut parts, mut bytes) = (Vec::new(), usize::MAX);
    for row in rows {
        let size = serde_json::to_string(&row)?.len() + 1;
        if frame + size > SPILL_BYTES_MAX {
            return Ok(None);
        }
        if bytes.saturating_add(size) > SPILL_BYTES_MAX {
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
        if let Some(rows) = work.rows() {
            *rows = part;
        }
        texts.push(text(at, &work)?);
    }
    Ok(Some(texts))
}

/// Sends a message to a queue, which may hang when it is overloaded itself.
pub(crate) async fn send(env: &Env, queue: &str, text: &str, delay_s: u32) -> worker::Result<()> {
    let message = RawMessageBuilder::new(JsValue::from_str(text))
        .delay_seconds(delay_s)
        .build_with_content_type(QueueContentType::Text);
    let queue = env.queue(queue)?;
    let (sending, waiting) = (pin!(queue.send_raw(message)), Delay::from(Duration::from_millis(SPILL_WAIT_MS)));
    match select(sending, waiting).await {
        Either::Left((sent, _)) => sent,
        Either::Right(_) => Err(worker::Error::RustError(format!("the queue did not answer in {SPILL_WAIT_MS} ms"))),
    }
}

/// What was kept of a request.
pub(crate) struct Kept(Message<Work>);

/// What came of storing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It is stored, or was already.
    Stored,
    /// It cannot be stored, and that is noted.
    Refused,
    /// D1 is still down, or full.
    Down,
    /// We failed.
    Failed,
}

impl Kept {
    /// Reads a message; `None` for one that is not of this version.
    pub(crate) fn read(text: &str) -> Option<Self> {
        // One that was kept by the Worker before this one may hold what only the door reads.
        serde_json::from_str(&json::read(text)).ok().filter(|message: &Message<Work>| message.v == VERSION).map(Self)
    }

    /// When the request came, ms.
    pub(crate) const fn at_ms(&self) -> i64 {
        self.0.at
    }

    /// Tells its company that it could not be stored, and the operator. → `false` if there was no
    /// room to note it just now.
    pub(crate) async fn give_up(&self, env: &Env) -> store::Result<bool> {
        let (key, from_server) = self.0.work.whose();
        let company = match key {
            Key::Public(company) => Some(company),
            Key::Server(hash) => companies::key(&store::database(env, None)?, &hash).await?.map(|key| key.company),
        };
        let (place, _, rows) = self.0.work.told();
        let (items, at) = (rows.len().max(1), clock::iso(self.0.at));
        console_error!(
            "{items} QUEUED ITEMS of {at} were given up: {} (docs/deploy.md)",
            company.as_deref().unwrap_or("whose, nobody knows")
        );
        let Some(company) = company else { return Ok(true) };
        let message = format!(
            "it was queued on {at} while the database was down, with {items} items in all, and could not be stored since"
        );
        let problem = Problem::new(Code::NotStored, message);
        let most = usize::try_from(REJECTED_MINUTE_MAX).unwrap_or_default();
        let mut entries: Vec<Entry> = rows
            .iter()
            .take(most)
            .map(|row| Entry::refused(row, place.map(|(_, session)| session), &problem))
            .collect();
        if entries.is_empty() {
            entries.push(Entry::rejected(None, None, None, &problem));
        }
        store::incoming::add(&store::database(env, Some(&company))?, &company, from_server, &entries, now_ms()).await
    }

    /// Stores it as if it came at its time.
    pub(crate) async fn store(&self, env: &Env, worker: &Rc<worker::Context>) -> End {
        let cx = Context::new(env.clone(), Rc::clone(worker), self.0.at, hex(&random::bytes::<8>()));
        // Its deliveries are woken instead of leased: the leases would be as old as the request.
        cx.room_or(|| Room { events: 0, busy: "[]".to_owned() });
        let cx = self.0.work.context(cx);
        let end = self.store_in(&cx).await;
        dispatch::after_answer(&cx);
        end
    }

    async fn store_in(&self, cx: &IngestContext) -> End {
        let work = &self.0.work;
        let (place, from_server, rows) = work.told();
        if let Some((company, session)) = place {
            cx.log().came_to(company, from_server);
            cx.log().session(session);
        }
        let stored = work.store(cx).await;
        if let Err(error) = &stored
            && error.code() == Code::Busy
        {
            return End::Down; // It comes again, as what D1 does not take.
        }
        if let Err(Error::Problem(problem)) = &stored {
            console_error!("{} queued items were refused: {}", rows.len(), problem.code.as_str());
            cx.log().refused_rows(rows.iter().map(|row| (row, problem)));
        }
        cx.log().write(cx, &stored);
        match stored {
            Ok(()) => End::Stored,
            Err(Error::Problem(_)) => End::Refused,
            Err(Error::Down(_)) => End::Down,
            // What is full may have room again before its days are over.
            Err(error @ Error::Full(_)) => {
                error.log("storing what was queued");
                End::Down
            }
            Err(Error::Internal(detail)) => failed(&detail),
        }
    }
}

fn failed(detail: &str) -> End {
    console_error!("what was queued could not be stored: {detail}");
    End::Failed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Arrival, sort};

    fn sent(events: usize, bytes: usize) -> Work {
        let item = format!(r#"{{"eventType":"e","eventData":{{"text":"{}"}}}}"#, r#"é\""#.repeat(bytes / 4));
        let mut number = 0;
        let fresh = || {
            number += 1;
            format!("m_{number}")
        };
        let arrival = Arrival { subject: "s", sent_ms: None, received_ms: 1_760_788_800_000 };
        let rows = sort((0..events).map(|_| item.as_str()), arrival, fresh).rows;
        assert_eq!(rows.len(), events);
        let context = serde_json::from_str(r#"{"page":{"url":"https://shop.example"}}"#).unwrap();
        Work::Browser(BrowserBatch {
            company: "TM-SHOP99".into(),
            session: "session_1".into(),
            context: Some(context),
            origin: None,
            bot: true,
            sent_ms: Some(5),
            rows,
        })
    }

    /// The rows of all messages, and that each fits.
    fn rows(texts: &[String]) -> Vec<Row> {
        let part = |text: &String| {
            assert!(text.len() <= SPILL_BYTES_MAX, "{} bytes", text.len());
            let Kept(Message { at, mut work, .. }) = Kept::read(text).unwrap();
            assert_eq!((at, work.place()), (7, Some(("TM-SHOP99", "session_1"))));
            std::mem::take(work.rows().unwrap())
        };
        texts.iter().flat_map(part).collect()
    }

    #[test]
    fn a_request_is_kept_as_it_was_read_in_as_many_messages_as_it_takes() {
        for (events, bytes, messages) in [(1, 10, 1), (500, 10, 1), (20, 20_000, 4), (16, 30_000, 6), (0, 0, 1)] {
            let texts = split(7, sent(events, bytes)).unwrap().unwrap();
            assert_eq!(texts.len(), messages, "{events} events of {bytes} bytes");
            let mut whole = sent(events, bytes);
            assert_eq!(
                serde_json::to_string(&rows(&texts)).unwrap(),
                serde_json::to_string(whole.rows().unwrap()).unwrap()
            );
        }
    }

    #[test]
    fn what_does_not_fit_a_message_is_not_kept() {
        let mut work = sent(20, 20_000);
        if let Work::Browser(sent) = &mut work {
            sent.context = Some(serde_json::value::to_raw_value(&"x".repeat(SPILL_BYTES_MAX)).unwrap());
        }
        assert!(split(7, work).unwrap().is_none());
    }

    #[test]
    fn a_message_of_another_version_or_form_is_not_read() {
        let text = split(7, sent(1, 1)).unwrap().unwrap().remove(0);
        assert!(Kept::read(&text).is_some());
        assert!(Kept::read(&text.replacen(r#""v":1"#, r#""v":2"#, 1)).is_none());
        for text in ["", "{}", r#"{"v":1,"c":"TM-1","d":"x"}"#, r#"{"v":1,"at":1,"work":{"other":{}}}"#] {
            assert!(Kept::read(text).is_none(), "{text}");
        }
    }
}
