//! The API over HTTP: one request, one answer or error. Knows URLs, keys and statuses. The commands
//! interpret the answers.

use std::thread::sleep;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::config::ConfigBuilder;
use ureq::http::Response;
use ureq::typestate::AgentScope;
use ureq::{Agent, Body, BodyReader, RequestBuilder};

use crate::config::Connection;
use crate::error::{Error, Problem};

/// Longer than the Worker's own timeout for a receiver (30 s), so that the Worker reports the
/// outcome of a test delivery.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Waits before a request is sent again that may be sent twice. After that the command fails.
const RETRIES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(9)];
/// Bytes of one answer. The largest answer, a page of deliveries with response bodies, is far
/// smaller.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A client for one TrackMate and one key.
pub(crate) struct Api {
    agent: Agent,
    /// For files and streams, which have no overall timeout.
    files: Agent,
    connection: Connection,
    /// The header with the key.
    key: (&'static str, String),
}

/// A successful answer, unparsed.
pub(crate) struct Answer {
    pub(crate) text: String,
}

impl Answer {
    /// Parses the answer.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.text)
            .map_err(|error| Error::Failed(format!("could not parse TrackMate's answer: {error}")))
    }
}

impl Api {
    pub(crate) fn new(connection: Connection) -> Self {
        let key = ("x-admin-id", connection.key.clone());
        Self { agent: agent(TIMEOUT), files: file_agent(), connection, key }
    }

    /// A client with the deployment's OPERATOR_KEY instead of a company's key.
    pub(crate) fn operator(connection: Connection) -> Self {
        let key = ("authorization", format!("Bearer {}", connection.key));
        Self { key, ..Self::new(connection) }
    }

    /// `GET path?query`, without the parameters that have no value.
    pub(crate) fn get(&self, path: &str, query: &[(&str, Option<&str>)]) -> Result<Answer, Error> {
        let request = self.agent.get(self.url(path)).header(self.key.0, &self.key.1);
        self.read(with_query(request, query).call())
    }

    /// `POST path`
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Answer, Error> {
        let request = self.agent.post(self.url(path)).header(self.key.0, &self.key.1);
        self.read(request.content_type("application/json").send(body.to_string()))
    }

    /// `PUT path`
    pub(crate) fn put(&self, path: &str, body: &Value) -> Result<Answer, Error> {
        let request = self.agent.put(self.url(path)).header(self.key.0, &self.key.1);
        self.read(request.content_type("application/json").send(body.to_string()))
    }

    /// `PATCH path`
    pub(crate) fn patch(&self, path: &str, body: &Value) -> Result<Answer, Error> {
        let request = self.agent.patch(self.url(path)).header(self.key.0, &self.key.1);
        self.read(request.content_type("application/json").send(body.to_string()))
    }

    /// `DELETE path`
    pub(crate) fn delete(&self, path: &str) -> Result<Answer, Error> {
        self.read(self.agent.delete(self.url(path)).header(self.key.0, &self.key.1).call())
    }

    /// `GET path?query` of a file, without an overall timeout. Requests no content encoding, since
    /// the hash is of the file's own bytes.
    pub(crate) fn file(&self, path: &str, query: &[(String, String)]) -> Result<Response<Body>, Error> {
        let request = self.files.get(self.url(path)).header(self.key.0, &self.key.1);
        let request = query.iter().fold(request, |request, (name, value)| request.query(name, value));
        let response = request.header("accept-encoding", "identity").call().map_err(|error| self.unreachable(error))?;
        if response.status().as_u16() == 200 && response.headers().contains_key("x-export-id") {
            return Ok(response);
        }
        Err(self.unexpected(response))
    }

    /// `GET path?query` of server-sent events after an id, until the stream ends. Without the
    /// parameters that have no value.
    pub(crate) fn stream(
        &self,
        path: &str,
        query: &[(&str, Option<&str>)],
        after: Option<&str>,
    ) -> Result<BodyReader<'static>, Error> {
        let request = self.files.get(self.url(path)).header(self.key.0, &self.key.1);
        let request = with_query(request, query);
        let request = after.into_iter().fold(request, |request, id| request.header("last-event-id", id));
        let response = request.header("accept-encoding", "identity").call().map_err(|error| self.unreachable(error))?;
        let media = response.headers().get("content-type").and_then(|media| media.to_str().ok());
        if response.status().as_u16() == 200 && media.is_some_and(|media| media.starts_with("text/event-stream")) {
            return Ok(response.into_body().into_reader());
        }
        Err(self.unexpected(response))
    }

    fn unreachable(&self, error: ureq::Error) -> Error {
        Error::Unreachable(format!("no answer from {}: {error}", self.connection.address()))
    }

    /// The error of an answer that should have been a file or a stream.
    fn unexpected(&self, response: Response<Body>) -> Error {
        match self.read(Ok(response)) {
            Err(error) => error,
            Ok(_) => Error::Unreachable(format!("{} answered, but not like TrackMate", self.connection.address())),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.connection.url)
    }

    fn read(&self, outcome: Result<Response<Body>, ureq::Error>) -> Result<Answer, Error> {
        let mut response = outcome.map_err(|error| self.unreachable(error))?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let text = body.read_to_string().map_err(|error| self.unreachable(error))?;
        // 202: it goes on after the answer, such as a move.
        if matches!(status, 200 | 202) && serde_json::from_str::<Value>(&text).is_ok_and(|json| json.is_object()) {
            return Ok(Answer { text });
        }
        let Ok(problem) = serde_json::from_str::<Problem>(&text) else {
            let address = self.connection.address();
            return Err(Error::Unreachable(format!("{address} answered {status}, but not like TrackMate")));
        };
        Err(match status {
            401 | 403 => Error::NotAuthorised { problem, sources: self.connection.sources() },
            404 => Error::NotFound(problem),
            _ => Error::Rejected(problem),
        })
    }
}

/// The answer to a request that may be sent twice. It is sent again if nobody answers.
pub(crate) fn again<T>(mut ask: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    for wait in RETRIES {
        match ask() {
            Err(Error::Unreachable(_)) => sleep(wait),
            outcome => return outcome,
        }
    }
    ask()
}

/// Adds the parameters that have a value.
fn with_query<B>(request: RequestBuilder<B>, query: &[(&str, Option<&str>)]) -> RequestBuilder<B> {
    let given = query.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    given.fold(request, |request, (name, value)| request.query(name, value))
}

/// An HTTP client that treats every status as an answer and follows no redirect. A redirect could
/// carry the key, or a signed delivery, to another server.
pub(crate) fn agent(timeout: Duration) -> Agent {
    config().timeout_global(Some(timeout)).build().new_agent()
}

/// A client whose timeout applies to the start of an answer and to each read, not to the whole.
fn file_agent() -> Agent {
    config().timeout_recv_response(Some(TIMEOUT)).timeout_per_read(Some(TIMEOUT)).build().new_agent()
}

fn config() -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("trackmate-cli/", env!("CARGO_PKG_VERSION")))
}

/// Characters of a path segment that are not encoded: those that RFC 3986 calls unreserved.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Percent-encodes a text as a path segment.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}
