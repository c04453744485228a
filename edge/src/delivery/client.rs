//! The HTTP client of deliveries: the only module that fetches a customer's URL.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use js_sys::JSON;
use trackmate_wire::limits::ANSWER_BYTES_MAX;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortSignal, RequestInit, RequestRedirect, WorkerGlobalScope};
use worker::Response;
use worker::wasm_bindgen_futures::JsFuture;

use crate::domain::delivery::{Outcome, retry_after_s};
use crate::domain::target::{self, Parts};
use crate::runtime::clock::now_ms;

/// The content type of a delivery.
pub const CONTENT_TYPE: &str = "application/json";
/// The user agent that receivers see.
pub const USER_AGENT: &str = concat!("TrackMate/", env!("CARGO_PKG_VERSION"));

/// URLs that an isolate remembers. Each has up to 2 KB.
const PASSED_MAX: usize = 200;

thread_local! {
    /// URLs that an attempt may go to.
    static PASSED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// One signed request.
#[derive(Debug)]
pub struct Message<'a> {
    /// The URL of the receiver.
    pub url: &'a str,
    /// The exact body.
    pub body: &'a str,
    /// The customer's headers, then signatures and ids.
    pub headers: Vec<(String, String)>,
    /// Limit for connect, headers and body together, ms.
    pub timeout_ms: u32,
    /// Whether plain http to this machine is allowed.
    pub loopback: bool,
    /// Aborts the request.
    pub abort_signal: Option<&'a AbortSignal>,
}

/// The result of a request.
#[derive(Debug)]
pub struct Exchange {
    /// What the retry policy reads.
    pub outcome: Outcome,
    /// For the customer: why there was no answer, or what was wrong with it.
    pub error: Option<String>,
    /// The first 16 KB of the answer.
    pub answer: Option<String>,
}

impl Exchange {
    /// An exchange without an answer, and the reason.
    #[must_use]
    pub fn failed(outcome: Outcome, why: impl Into<String>) -> Self {
        Self { outcome, error: Some(why.into()), answer: None }
    }
}

/// Checks that deliveries may go to this URL. → Its normal form.
///
/// # Errors
/// The reason, in words for the customer.
pub fn check_url(url: &str, own_host: Option<&str>, loopback: bool) -> Result<String, &'static str> {
    let parsed = web_sys::Url::new(url).map_err(|_| "this is not a URL")?;
    let parts = Parts {
        protocol: parsed.protocol(),
        hostname: parsed.hostname(),
        port: parsed.port(),
        credentials: !parsed.username().is_empty() || !parsed.password().is_empty(),
    };
    target::check(&parts, own_host, loopback)?;
    Ok(parsed.href())
}

/// [`check_url`] for an attempt. An isolate remembers the URLs that passed: to parse one takes
/// several calls into JavaScript, and most attempts go to few URLs.
fn check_again(url: &str, loopback: bool) -> Result<(), &'static str> {
    if PASSED.with_borrow(|passed| passed.contains(url)) {
        return Ok(());
    }
    check_url(url, None, loopback)?;
    PASSED.with_borrow_mut(|passed| {
        if passed.len() >= PASSED_MAX {
            passed.clear();
        }
        passed.insert(url.to_owned());
    });
    Ok(())
}

/// Posts a message. Never fails: every failure is an outcome.
pub async fn post(message: &Message<'_>) -> Exchange {
    if let Err(why) = check_again(message.url, message.loopback) {
        return Exchange::failed(Outcome::NotSendable, why);
    }
    let deadline = AbortSignal::timeout_with_u32(message.timeout_ms);
    let signal = message
        .abort_signal
        .map_or_else(|| deadline.clone(), |abort| AbortSignal::any(&js_sys::Array::of2(&deadline, abort)));
    match exchange(message, &signal).await {
        Ok(exchange) => exchange,
        Err(_) if deadline.aborted() => {
            Exchange::failed(Outcome::Unreachable, format!("no complete answer within {} ms", message.timeout_ms))
        }
        Err(_) => Exchange::failed(Outcome::Unreachable, "the host could not be reached or closed the connection"),
    }
}

/// The headers of a request, as one object: to set each is a call into JavaScript. A later header
/// replaces an earlier one of the same name.
fn headers(message: &Message<'_>) -> worker::Result<JsValue> {
    let mut headers =
        BTreeMap::from([("content-type".to_owned(), CONTENT_TYPE), ("user-agent".to_owned(), USER_AGENT)]);
    headers.extend(message.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_str())));
    Ok(JSON::parse(&serde_json::to_string(&headers)?)?)
}

async fn exchange(message: &Message<'_>, signal: &AbortSignal) -> worker::Result<Exchange> {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers(message)?);
    init.set_body(&JsValue::from_str(message.body));
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(signal));
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    let response = JsFuture::from(scope.fetch_with_str_and_init(message.url, &init)).await?;
    let response: web_sys::Response = response.unchecked_into();
    let status = response.status();
    let asked_s = response.headers().get("retry-after")?.and_then(|header| retry_after_s(&header, now_ms()));
    let answer = read_answer(response).await;
    let error = (!(200..300).contains(&status)).then(|| format!("the receiver answered {status}"));
    Ok(Exchange { outcome: Outcome::Answered(status, asked_s), error, answer: Some(answer) })
}

/// The first bytes of an answer's body. The status alone decides: a receiver that answered 200 has
/// the delivery, even if its body breaks off or never ends.
async fn read_answer(response: web_sys::Response) -> String {
    let header = |name| response.headers().get(name).ok().flatten();
    let length = header("content-length").and_then(|length| length.parse::<usize>().ok());
    // A stream takes several times as long. A body that is compressed may be longer than declared.
    if length.is_some_and(|length| length <= ANSWER_BYTES_MAX) && header("content-encoding").is_none() {
        let Ok(text) = response.text() else { return String::new() };
        return JsFuture::from(text).await.ok().and_then(|text| text.as_string()).unwrap_or_default();
    }
    let mut bytes = Vec::new();
    // An answer without a body has no stream.
    if let Ok(mut stream) = Response::from(response).stream() {
        while bytes.len() < ANSWER_BYTES_MAX {
            let Some(Ok(chunk)) = stream.next().await else { break };
            bytes.extend(chunk);
        }
    }
    bytes.truncate(ANSWER_BYTES_MAX);
    String::from_utf8_lossy(&bytes).into_owned()
}
