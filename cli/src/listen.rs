//! `trackmate listen`: a webhook receiver on this machine, for developers. It shows each delivery,
//! verifies its signatures, and answers 200 or whatever the receiver behind `--forward` answers.
//! Listens on loopback only; use a tunnel to make it public.

use std::io::Read;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use chrono::{Local, Utc};
use clap::Args;
use serde_json::{Value, json};
use tiny_http::{Header, Method, Request, Response, Server};
use ureq::Agent;
use ureq::http::Response as Forwarded;

use crate::api::agent;
use crate::error::Error;
use crate::output::Output;
use crate::signatures::{is_stale, is_valid_hex, is_valid_standard};

/// Deliveries handled at once, so that a slow `--forward` target does not delay the others.
const THREADS: usize = 4;
/// Maximum bytes of one delivery. TrackMate's deliveries are far smaller.
const BODY_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// TrackMate's own maximum timeout.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(30);
/// Headers that belong to one connection, or that the HTTP client sets itself.
const NOT_FORWARDED: [&str; 6] = ["host", "connection", "content-length", "transfer-encoding", "expect", "keep-alive"];

#[derive(Args)]
pub(crate) struct Options {
    /// The port on 127.0.0.1. 0 picks a free port.
    #[arg(long, default_value_t = 8790)]
    port: u16,
    /// The webhook's secret. With it, deliveries are verified, and answered 401 if a signature is
    /// missing or wrong.
    #[arg(long, env = "TRACKMATE_WEBHOOK_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// A receiver that gets each verified delivery unchanged.
    #[arg(long, value_name = "URL")]
    forward: Option<String>,
}

/// The result of checking one signature header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    /// The delivery has no such header.
    Absent,
    /// The signature is valid for this secret and body.
    Valid,
    /// The signature is not valid.
    Invalid,
    /// The signature is valid, but its timestamp is too old.
    Stale,
}

/// The results for both signature headers of a delivery.
#[derive(Clone, Copy)]
struct Findings {
    hex: Finding,
    standard: Finding,
}

impl Findings {
    /// True if there is at least one signature and all are valid.
    fn verified(self) -> bool {
        let both = [self.hex, self.standard];
        both.contains(&Finding::Valid) && both.iter().all(|f| matches!(f, Finding::Valid | Finding::Absent))
    }
}

impl Finding {
    fn word(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Valid => "valid",
            Self::Invalid => "wrong",
            Self::Stale => "stale",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Absent => "- absent",
            Self::Valid => "✓ valid",
            Self::Invalid => "✗ not valid for this secret and body",
            Self::Stale => "✗ valid, but more than five minutes old",
        }
    }
}

pub(crate) fn run(options: Options, output: Output) -> Result<(), Error> {
    let server = Server::http(("127.0.0.1", options.port))
        .map_err(|error| Error::Failed(format!("could not listen on port {}: {error}", options.port)))?;
    let port = server.server_addr().to_ip().map_or(options.port, |address| address.port());
    output.note(&format!("Listening on http://127.0.0.1:{port} (stop with Ctrl-C)"));
    if options.secret.is_none() {
        output.note("Signatures are not checked: pass the webhook's secret with --secret or TRACKMATE_WEBHOOK_SECRET");
    }
    let listener = Arc::new(Listener { server, options, client: agent(FORWARD_TIMEOUT), output });
    let (ended, first_end) = mpsc::channel();
    for _ in 0..THREADS {
        let (listener, ended) = (Arc::clone(&listener), ended.clone());
        thread::spawn(move || ended.send(listener.serve()));
    }
    first_end.recv().unwrap_or_else(|_| Err(Error::Failed("the listener stopped".into())))
}

struct Listener {
    server: Server,
    options: Options,
    client: Agent,
    output: Output,
}

impl Listener {
    /// Receives until the listener itself fails.
    fn serve(&self) -> Result<(), Error> {
        loop {
            let request = self.server.recv();
            self.receive(request.map_err(|error| Error::Failed(format!("could not receive: {error}")))?)?;
        }
    }

    /// Handles one request. A sender that disconnects is not an error.
    fn receive(&self, mut request: Request) -> Result<(), Error> {
        if *request.method() != Method::Post {
            let _ = request.respond(Response::from_string("deliveries use POST").with_status_code(405));
            return Ok(());
        }
        let mut body = Vec::new();
        let read = request.as_reader().take(BODY_BYTES_MAX + 1).read_to_end(&mut body);
        if read.is_err() || body.len() as u64 > BODY_BYTES_MAX {
            let _ = request.respond(Response::from_string("the body is too large or incomplete").with_status_code(413));
            return Ok(());
        }
        let secret = self.options.secret.as_deref();
        let findings = secret.map(|secret| check_signatures(secret, &request, &body, Utc::now().timestamp()));
        let (status, answer) = match (&self.options.forward, findings) {
            (_, Some(findings)) if !findings.verified() => (401, br#"{"received":false}"#.to_vec()),
            (Some(target), _) => forward(&self.client, target, &request, &body),
            (None, _) => (200, br#"{"received":true}"#.to_vec()),
        };
        let format = if self.output.json { as_json } else { as_text };
        let text = format(&request, &body, findings, status);
        let json = Header::from_bytes("content-type", "application/json");
        let response = Response::from_data(answer).with_status_code(status);
        let _ = request.respond(json.into_iter().fold(response, Response::with_header));
        self.output.text(&text)
    }
}

fn header<'a>(request: &'a Request, name: &'static str) -> Option<&'a str> {
    request.headers().iter().find(|header| header.field.equiv(name)).map(|header| header.value.as_str())
}

fn check_signatures(secret: &str, request: &Request, body: &[u8], now_s: i64) -> Findings {
    // During a secret rotation, the signature of the old secret has its own header.
    let hex = ["x-webhook-signature", "x-webhook-signature-previous"].map(|name| header(request, name));
    let hex = match hex {
        [None, None] => Finding::Absent,
        given if given.iter().flatten().any(|signature| is_valid_hex(secret, signature, body)) => Finding::Valid,
        [_, _] => Finding::Invalid,
    };
    let standard = header(request, "webhook-signature").map_or(Finding::Absent, |signatures| {
        let id = header(request, "webhook-id").unwrap_or_default();
        let timestamp_s = header(request, "webhook-timestamp").and_then(|text| text.parse().ok());
        match timestamp_s {
            Some(timestamp_s) if is_valid_standard(secret, signatures, id, timestamp_s, body) => {
                if is_stale(timestamp_s, now_s) { Finding::Stale } else { Finding::Valid }
            }
            Some(_) | None => Finding::Invalid,
        }
    });
    Findings { hex, standard }
}

/// Forwards the delivery. Returns the status and body to answer with.
fn forward(client: &Agent, target: &str, request: &Request, body: &[u8]) -> (u16, Vec<u8>) {
    let headers = request.headers().iter().filter(|h| !NOT_FORWARDED.iter().any(|name| h.field.equiv(name)));
    let forwarded = headers.fold(client.post(target), |forwarded, header| {
        forwarded.header(header.field.as_str().as_str(), header.value.as_str())
    });
    let read = |mut answer: Forwarded<ureq::Body>| {
        let status = answer.status().as_u16();
        let text = answer.body_mut().with_config().limit(BODY_BYTES_MAX).read_to_vec()?;
        Ok((status, text))
    };
    forwarded.send(body).and_then(read).unwrap_or_else(|error| {
        (502, json!({"received": false, "message": error.to_string()}).to_string().into_bytes())
    })
}

/// The body as JSON, or as a string if it is not JSON.
fn value(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

fn as_json(request: &Request, body: &[u8], findings: Option<Findings>, status: u16) -> String {
    let value = json!({
        "receivedAt": Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "path": request.url(),
        "webhookId": header(request, "webhook-id"),
        "verified": findings.map(Findings::verified),
        "signatures": findings.map(signatures),
        "status": status,
        "body": value(body),
    });
    value.to_string()
}

fn signatures(findings: Findings) -> Value {
    json!({"X-Webhook-Signature": findings.hex.word(), "webhook-signature": findings.standard.word()})
}

fn as_text(request: &Request, body: &[u8], findings: Option<Findings>, status: u16) -> String {
    let value = value(body);
    let event = value.get("event").and_then(Value::as_str).unwrap_or("(no event name)");
    let mut lines = vec![format!("{}  {event}  POST {}  → {status}", Local::now().format("%H:%M:%S"), request.url())];
    if let Some(id) = header(request, "webhook-id") {
        lines.push(format!("   webhook-id:          {id}"));
    }
    if let Some(Findings { hex, standard }) = findings {
        lines.push(format!("   X-Webhook-Signature: {}", hex.label()));
        lines.push(format!("   webhook-signature:   {}", standard.label()));
    }
    let pretty = serde_json::to_string_pretty(&value).unwrap_or_default();
    lines.extend(pretty.lines().map(|line| format!("   {line}")));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use tiny_http::TestRequest;
    use trackmate_wire::signature::{hex_signature, standard_signature};

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"event":"match"}"#;
    const NOW_S: i64 = 1_760_781_600;

    fn check(headers: &[(&str, String)]) -> Findings {
        let headers = headers.iter().map(|(name, value)| Header::from_bytes(*name, value.as_str()).unwrap());
        let request = headers.fold(TestRequest::new(), TestRequest::with_header).into();
        check_signatures(SECRET, &request, BODY, NOW_S)
    }

    fn standard(id: &str, timestamp_s: i64, signature: String) -> [(&'static str, String); 3] {
        [("webhook-id", id.into()), ("webhook-timestamp", timestamp_s.to_string()), ("Webhook-Signature", signature)]
    }

    #[test]
    fn each_signature_is_checked_on_its_own() {
        let right = check(&[("x-webhook-signature", hex_signature(SECRET, BODY))]);
        assert_eq!((right.hex, right.standard, right.verified()), (Finding::Valid, Finding::Absent, true));
        let wrong = check(&[("x-webhook-signature", hex_signature("other", BODY))]);
        assert_eq!((wrong.hex, wrong.verified()), (Finding::Invalid, false));
        let (new, old) = (hex_signature("new", BODY), hex_signature(SECRET, BODY));
        let replaced = check(&[("x-webhook-signature", new), ("X-Webhook-Signature-Previous", old)]);
        assert_eq!((replaced.hex, replaced.verified()), (Finding::Valid, true));
        let signed = |timestamp_s| standard("m", timestamp_s, standard_signature(SECRET, "m", timestamp_s, BODY));
        assert_eq!(check(&signed(NOW_S)).standard, Finding::Valid);
        assert_eq!(check(&signed(NOW_S - 301)).standard, Finding::Stale);
        let moved = standard("n", NOW_S, standard_signature(SECRET, "m", NOW_S, BODY));
        assert_eq!(check(&moved).standard, Finding::Invalid);
    }

    #[test]
    fn a_delivery_with_a_wrong_signature_or_without_any_is_not_verified() {
        let mixed = Findings { hex: Finding::Valid, standard: Finding::Invalid };
        assert!(!mixed.verified());
        assert!(!check(&[]).verified());
    }
}
