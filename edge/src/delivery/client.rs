//! The only module that fetches a customer's URL.

use futures_util::StreamExt;
use trackmate_wire::limits::ANSWER_BYTES_MAX;
use wasm_bindgen::JsValue;
use worker::{AbortSignal, Env, Fetch, Headers, Method, Request, RequestInit, RequestRedirect};

use crate::domain::delivery::{Outcome, retry_after_s};
use crate::domain::target::{self, Parts};
use crate::runtime::clock::now_ms;

/// What a delivery is.
pub const CONTENT_TYPE: &str = "application/json";
/// Who we are to receivers.
pub const USER_AGENT: &str = concat!("TrackMate/", env!("CARGO_PKG_VERSION"));

/// One signed request.
#[derive(Debug)]
pub struct Message<'a> {
    /// Where it goes.
    pub url: &'a str,
    /// The exact bytes.
    pub body: &'a str,
    /// The subscription's own headers, then signatures and ids.
    pub headers: Vec<(String, String)>,
    /// Bounds connect, headers and body together.
    pub timeout_ms: u32,
    /// Whether plain http to this machine is allowed.
    pub loopback: bool,
    /// Breaks it off.
    pub breaker: Option<&'a web_sys::AbortSignal>,
}

/// What came of it.
#[derive(Debug)]
pub struct Exchange {
    /// For the decision.
    pub outcome: Outcome,
    /// For the owner: why there was no answer.
    pub error: Option<String>,
    /// The first 16 KB of the answer.
    pub answer: Option<String>,
}

impl Exchange {
    /// One that brought nothing, and why.
    #[must_use]
    pub fn failed(outcome: Outcome, why: impl Into<String>) -> Self {
        Self { outcome, error: Some(why.into()), answer: None }
    }
}

/// Whether this is a development deployment that may deliver to its own machine.
#[must_use]
pub fn allows_loopback(env: &Env) -> bool {
    env.var("DEV_ALLOW_LOOPBACK").is_ok_and(|v| v.to_string() == "1")
}

/// The normal form of this URL, if deliveries may go there.
///
/// # Errors
/// Why not, in words for the owner.
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

/// Posts a message. Never fails: what goes wrong is an outcome.
pub async fn post(message: &Message<'_>) -> Exchange {
    if let Err(why) = check_url(message.url, None, message.loopback) {
        return Exchange::failed(Outcome::Refused, why);
    }
    let deadline = web_sys::AbortSignal::timeout_with_u32(message.timeout_ms);
    let signal = message
        .breaker
        .map_or_else(|| deadline.clone(), |breaker| web_sys::AbortSignal::any(&js_sys::Array::of2(&deadline, breaker)));
    match exchange(message, &signal.into()).await {
        Ok(exchange) => exchange,
        Err(_) if deadline.aborted() => {
            Exchange::failed(Outcome::Unreachable, format!("no complete answer within {} ms", message.timeout_ms))
        }
        Err(_) => Exchange::failed(Outcome::Unreachable, "the host could not be reached or closed the connection"),
    }
}

async fn exchange(message: &Message<'_>, deadline: &AbortSignal) -> worker::Result<Exchange> {
    let headers = Headers::new();
    headers.set("content-type", CONTENT_TYPE)?;
    headers.set("user-agent", USER_AGENT)?;
    for (name, value) in &message.headers {
        headers.set(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_body(Some(JsValue::from_str(message.body)))
        .with_redirect(RequestRedirect::Manual);
    let request = Request::new_with_init(message.url, &init)?;
    let mut response = Fetch::Request(request).send_with_signal(deadline).await?;
    let status = response.status_code();
    let asked_s = response.headers().get("retry-after")?.and_then(|header| retry_after_s(&header, now_ms()));
    let mut bytes = Vec::new();
    // An answer without a body has no stream; that is no failure.
    if let Ok(mut stream) = response.stream() {
        while bytes.len() < ANSWER_BYTES_MAX {
            // The status is the answer. A body that breaks off or never ends takes nothing back: a
            // receiver that said 200 has the delivery.
            let Some(Ok(chunk)) = stream.next().await else { break };
            bytes.extend(chunk);
        }
    }
    bytes.truncate(ANSWER_BYTES_MAX);
    let answer = String::from_utf8_lossy(&bytes).into_owned();
    let error = (!(200..300).contains(&status)).then(|| format!("the receiver answered {status}"));
    Ok(Exchange { outcome: Outcome::Answered(status, asked_s), error, answer: Some(answer) })
}
