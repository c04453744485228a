//! The operator's API. The key is from `TRACKMATE_OPERATOR_KEY` or from the file that has the
//! address. There is no flag for it, because other users of a machine can read a command line.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::api::agent;
use crate::config::Flags;
use crate::error::{Error, Problem};
use crate::profile::{self, Profile};

const KEY_VARIABLE: &str = "TRACKMATE_OPERATOR_KEY";
/// What `trackmate dev` writes.
const DEV_FILE: &str = ".trackmate/dev.json";
/// Waits before a request is sent again. After that the command fails, and the next run goes on.
const RETRIES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(9)];
/// D1 may work for 30 s on a request.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of one answer. A page of a backup has 400 KB and one row.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A client with the operator's key.
pub(super) struct Client {
    agent: Agent,
    url: String,
    key: String,
}

/// The profile of the user's file, else that of the folder.
fn stored(flags: &Flags) -> Result<Profile, Error> {
    let name = flags.profile();
    for (path, name) in
        profile::user_file().map(|path| (path, name.as_deref())).into_iter().chain([(PathBuf::from(DEV_FILE), None)])
    {
        if let Some(profile) = profile::read(&path, name)? {
            return Ok(profile);
        }
    }
    Ok(Profile::default())
}

impl Client {
    pub(super) fn new(flags: &Flags) -> Result<Self, Error> {
        let (url, key) = (flags.url(), std::env::var(KEY_VARIABLE).ok().filter(|key| !key.is_empty()));
        // A key of a file is sent only to the address of that file.
        let stored = if url.is_none() { stored(flags)? } else { Profile::default() };
        let missing = |what, fix| Error::Usage(format!("{what} is missing: {fix}"));
        let url =
            url.or(stored.url).ok_or_else(|| missing("the address of TrackMate", "pass --url or set TRACKMATE_URL"))?;
        let fix = "set TRACKMATE_OPERATOR_KEY";
        let key = key.or(stored.operator_key).ok_or_else(|| missing("the operator key", fix))?;
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(Error::Usage("the address must begin with https:// (or http://)".into()));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Usage(format!("the value of {KEY_VARIABLE} is not a key")));
        }
        Ok(Self { agent: agent(TIMEOUT), url: url.trim_end_matches('/').to_owned(), key })
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, Option<&str>)]) -> Result<T, Error> {
        let request = self.agent.get(self.address(path)).header("authorization", self.bearer());
        let given = query.iter().filter_map(|(name, value)| Some((name, (*value)?)));
        self.read(given.fold(request, |request, (name, value)| request.query(name, value)).call())
    }

    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, body: &str) -> Result<T, Error> {
        let request = self.agent.post(self.address(path)).header("authorization", self.bearer());
        self.read(request.content_type("application/json").send(body))
    }

    pub(super) fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.read(self.agent.delete(self.address(path)).header("authorization", self.bearer()).call())
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.key)
    }

    fn read<T: DeserializeOwned>(&self, outcome: Result<Response<Body>, ureq::Error>) -> Result<T, Error> {
        let unreachable = |error: ureq::Error| Error::Unreachable(format!("no answer from {}: {error}", self.url));
        let mut response = outcome.map_err(unreachable)?;
        let status = response.status().as_u16();
        let text = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string().map_err(unreachable)?;
        if status == 200 && serde_json::from_str::<Value>(&text).is_ok_and(|json| json.is_object()) {
            let parsed = serde_json::from_str(&text);
            return parsed.map_err(|error| Error::Failed(format!("could not parse TrackMate's answer: {error}")));
        }
        let Ok(problem) = serde_json::from_str::<Problem>(&text) else {
            return Err(Error::Unreachable(format!("{} answered {status}, but not like TrackMate", self.url)));
        };
        Err(match status {
            401 | 403 => {
                Error::NotAuthorised { problem, sources: format!("the operator key was sent to {}", self.url) }
            }
            404 => Error::NotFound(problem),
            _ => Error::Rejected(problem),
        })
    }
}

/// The answer to a request that may be sent twice.
pub(super) fn again<T>(mut ask: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    for wait in RETRIES {
        match ask() {
            Err(Error::Unreachable(_)) => sleep(wait),
            outcome => return outcome,
        }
    }
    ask()
}
