//! `GET /api/admin/events/stream`: received events as server-sent events, while they arrive. A
//! stream queries the database once a second, and ends after half a minute at most. A client that
//! reconnects continues behind the last entry that it has seen, and misses nothing. If the key is
//! revoked, the stream ends within seconds.

use std::time::Duration;

use futures_util::stream::{Stream, try_unfold};
use trackmate_wire::limits::{
    STREAM_KEY_QUERIES, STREAM_PAGE_ROWS, STREAM_POLL_MS, STREAM_QUERIES_MAX, STREAM_QUIET_POLLS, STREAM_S_MAX,
};
use trackmate_wire::problem::{Code, Problem};
use worker::{Delay, Response, console_error};

use crate::domain::incoming::Outcome;
use crate::error::Error;
use crate::http::admin::events::{describe, name, outcome};
use crate::http::auth::Admin;
use crate::http::context::RequestContext;
use crate::http::pagination::NEWEST;
use crate::http::response::common_headers;
use crate::store::incoming::LogEntry;
use crate::store::{self, Db, incoming};

/// The first text of a stream. It sets how soon a client reconnects.
const OPENING: &str = "retry: 1000\n: watching";
/// The text of a stream without new entries. An id follows it, as it follows the first text: a
/// client that has seen no entry knows where to continue.
const HEARTBEAT: &str = ": still watching";

/// `GET /api/admin/events/stream?outcome&eventType&after&seconds`, `Last-Event-ID?` →
/// `text/event-stream` of `id: <seq>`, `event: incoming`, `data: <Incoming>`. Begins behind the
/// newest entry, unless the request names one. A stream turns on the log of accepted events for two
/// minutes.
pub(crate) async fn get(cx: &RequestContext, admin: Admin) -> Result<Response, Error> {
    let seconds = match cx.filled_query("seconds") {
        None => STREAM_S_MAX,
        Some(text) => text.parse().ok().filter(|s| *s <= STREAM_S_MAX).ok_or_else(|| {
            Problem::field(Code::InvalidField, "seconds", format!("seconds is a number from 0 to {STREAM_S_MAX}"))
        })?,
    };
    let after = match cx.header("last-event-id").or_else(|| cx.filled_query("after")) {
        None => None,
        Some(text) => Some(text.parse::<i64>().ok().filter(|seq| (0..=NEWEST).contains(seq)).ok_or_else(|| {
            Problem::field(Code::InvalidField, "after", "after, like Last-Event-ID, is the id of an entry")
        })?),
    };
    let (outcome, name) = (outcome(cx)?, name(cx));
    let last = incoming::watch(cx.db(&admin.company)?, &admin.company, cx.now_ms()).await?;
    let watch = Watch {
        db: store::database(cx.env(), Some(&admin.company))?,
        company: admin.company,
        key: admin.key,
        outcome,
        name,
        seq: after.unwrap_or(last),
        queries: 0,
        polls: 0,
        polls_max: seconds + 1,
        opened: false,
        behind: false,
    };
    let headers = common_headers(cx)?;
    headers.set("content-type", "text/event-stream; charset=utf-8")?;
    Ok(worker::ResponseBuilder::new().with_headers(headers).from_stream(watch.stream())?)
}

/// The client of a stream, and its position.
struct Watch {
    db: Db,
    company: String,
    /// The id of the key in the request.
    key: String,
    outcome: Option<Outcome>,
    name: Option<String>,
    /// The last entry that was read.
    seq: i64,
    queries: usize,
    /// Queries that waited for new entries. The others read entries that existed already.
    polls: usize,
    polls_max: usize,
    opened: bool,
    /// Whether there are more entries already.
    behind: bool,
}

impl Watch {
    fn stream(self) -> impl Stream<Item = Result<Vec<u8>, worker::Error>> {
        try_unfold(self, |mut watch| async move {
            match watch.next().await {
                Ok(None) => Ok(None),
                Ok(Some(text)) => Ok(Some((text.into_bytes(), watch))),
                Err(error) => {
                    console_error!("a stream of events ended: {error}");
                    Err(worker::Error::RustError("the stream cannot go on".into()))
                }
            }
        })
    }

    /// The next text of the stream; `None` at its end. If the client disconnects, the runtime drops
    /// the stream.
    async fn next(&mut self) -> Result<Option<String>, String> {
        if !self.opened {
            self.opened = true;
            return Ok(Some(format!("{OPENING}\nid: {}\n\n", self.seq)));
        }
        let mut quiet = 0;
        while self.queries < STREAM_QUERIES_MAX && (self.polls < self.polls_max || self.behind) {
            if !self.behind {
                if self.polls > 0 {
                    Delay::from(Duration::from_millis(STREAM_POLL_MS)).await;
                }
                self.polls += 1;
            }
            self.queries += 1;
            let key = Some(self.key.as_str()).filter(|_| self.queries.is_multiple_of(STREAM_KEY_QUERIES));
            let found = incoming::after(&self.db, &self.company, key, self.seq, STREAM_PAGE_ROWS).await;
            let Some(found) = found.map_err(|error| store::brief(&error))? else { return Ok(None) };
            self.behind = i64::try_from(found.len()) == Ok(STREAM_PAGE_ROWS);
            self.seq = found.last().map_or(self.seq, |entry| entry.seq);
            let matching: Vec<LogEntry> = found.into_iter().filter(|entry| self.matches(entry)).collect();
            if !matching.is_empty() {
                return matching.into_iter().map(server_sent).collect::<Result<String, String>>().map(Some);
            }
            quiet += 1;
            if quiet == STREAM_QUIET_POLLS {
                return Ok(Some(format!("{HEARTBEAT}\nid: {}\n\n", self.seq)));
            }
        }
        Ok(None)
    }

    /// Whether an entry passes the filters of the request.
    fn matches(&self, entry: &LogEntry) -> bool {
        self.outcome.is_none_or(|outcome| outcome.as_str() == entry.outcome)
            && self.name.as_ref().is_none_or(|name| entry.name.as_ref() == Some(name))
    }
}

/// Writes an entry as a server-sent event. JSON of a sender may have line ends between its tokens;
/// blanks replace them.
fn server_sent(entry: LogEntry) -> Result<String, String> {
    let seq = entry.seq;
    let entry = describe(entry).map_err(|error| format!("{error:?}"))?;
    let json = serde_json::to_string(&entry).map_err(|error| error.to_string())?;
    let json = json.replace(['\n', '\r'], " ");
    Ok(format!("id: {seq}\nevent: incoming\ndata: {json}\n\n"))
}
