//! Cloudflare's API: what exists in the account, and the two kinds of resources that must exist
//! before wrangler deploys, which are the database and the queues. wrangler does the rest.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;
use ureq::{Body, Error as HttpError};

use crate::api::{agent, encoded};
use crate::error::Error;
use crate::package::Package;

const TIMEOUT: Duration = Duration::from_secs(60);
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;
const TOKEN_VARIABLE: &str = "CLOUDFLARE_API_TOKEN";
const ACCOUNT_VARIABLE: &str = "CLOUDFLARE_ACCOUNT_ID";
/// wrangler's own variable. Tests use it.
const BASE_VARIABLE: &str = "CLOUDFLARE_API_BASE_URL";
const BASE: &str = "https://api.cloudflare.com/client/v4";

/// A client for one account.
pub(crate) struct Cloudflare {
    agent: Agent,
    base: String,
    token: String,
    account: String,
}

/// What every answer of the API looks like.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    success: bool,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    errors: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    code: i64,
    message: String,
}

impl Cloudflare {
    /// The account of the environment or of wrangler's login. The account in the configuration
    /// comes first.
    pub(crate) fn connect(package: &Package, configured: Option<&str>) -> Result<Self, Error> {
        let base = variable(BASE_VARIABLE).unwrap_or_else(|| BASE.to_owned());
        let token = variable(TOKEN_VARIABLE).map_or_else(|| token_of_login(package), Ok)?;
        let mut cloudflare = Self { agent: agent(TIMEOUT), base, token, account: String::new() };
        cloudflare.account = match configured.map(str::to_owned).or_else(|| variable(ACCOUNT_VARIABLE)) {
            Some(account) => account,
            None => cloudflare.only_account()?,
        };
        Ok(cloudflare)
    }

    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    fn only_account(&self) -> Result<String, Error> {
        let accounts = self.read(self.call(self.agent.get(format!("{}/accounts", self.base)))?)?.unwrap_or_default();
        match accounts.as_array().map(Vec::as_slice) {
            Some([account]) => Ok(text(account, "id")),
            None | Some([]) => Err(Error::Failed(format!("Cloudflare lists no account: set {ACCOUNT_VARIABLE}"))),
            Some(several) => {
                let ids = several.iter().map(|each| format!("{} ({})", text(each, "id"), text(each, "name")));
                let ids = ids.collect::<Vec<_>>().join(", ");
                Err(Error::Usage(format!("choose one of your accounts with {ACCOUNT_VARIABLE}: {ids}")))
            }
        }
    }

    /// `GET /accounts/{account}{path}`. `None` if there is no such thing.
    pub(crate) fn get(&self, path: &str) -> Result<Option<Value>, Error> {
        self.read(self.call(self.agent.get(self.url(path)))?)
    }

    /// `POST /accounts/{account}{path}`
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Option<Value>, Error> {
        let request = self.agent.post(self.url(path)).header("authorization", self.bearer());
        let sent = request.content_type("application/json").send(body.to_string());
        self.read(sent.map_err(|error| self.unreachable(error))?)
    }

    /// The database of this name.
    pub(crate) fn database(&self, name: &str) -> Result<Option<Value>, Error> {
        self.get(&format!("/d1/database/{}", encoded(name)))
    }

    /// Creates a database near the location, or near this machine.
    pub(crate) fn create_database(&self, name: &str, place: &Place) -> Result<Option<Value>, Error> {
        let mut body = json!({ "name": name });
        if let Value::Object(body) = &mut body {
            if let Some(location) = &place.location {
                body.insert("primary_location_hint".into(), json!(location));
            }
            if let Some(jurisdiction) = &place.jurisdiction {
                body.insert("jurisdiction".into(), json!(jurisdiction));
            }
        }
        self.post("/d1/database", &body)
    }

    /// The rows of a query of one statement.
    pub(crate) fn query(&self, database: &str, sql: &str) -> Result<Vec<Value>, Error> {
        let answer = self.post(&format!("/d1/database/{}/query", encoded(database)), &json!({ "sql": sql }))?;
        let rows = answer.as_ref().and_then(|answer| answer.pointer("/0/results")).and_then(Value::as_array);
        Ok(rows.cloned().unwrap_or_default())
    }

    /// The queue of this name, with its consumers.
    pub(crate) fn queue(&self, name: &str) -> Result<Option<Value>, Error> {
        let queues = self.get(&format!("/queues?name={}", encoded(name)))?.unwrap_or_default();
        Ok(queues.as_array().and_then(|all| all.iter().find(|queue| text(queue, "queue_name") == name)).cloned())
    }

    /// Creates a queue, whose messages stay in the jurisdiction.
    pub(crate) fn create_queue(&self, name: &str, jurisdiction: Option<&str>) -> Result<(), Error> {
        let body = match jurisdiction {
            Some(jurisdiction) => json!({ "queue_name": name, "jurisdiction": jurisdiction }),
            None => json!({ "queue_name": name }),
        };
        self.post("/queues", &body).map(|_| ())
    }

    /// The names of the Worker's secrets. `None` if there is no such Worker.
    pub(crate) fn secrets(&self, worker: &str) -> Result<Option<Vec<String>>, Error> {
        let secrets = self.get(&format!("/workers/scripts/{}/secrets", encoded(worker)))?;
        Ok(secrets.map(|secrets| secrets.as_array().into_iter().flatten().map(|secret| text(secret, "name")).collect()))
    }

    /// The schedules of the Worker.
    pub(crate) fn crons(&self, worker: &str) -> Result<Vec<String>, Error> {
        let answer = self.get(&format!("/workers/scripts/{}/schedules", encoded(worker)))?.unwrap_or_default();
        let schedules = answer.get("schedules").and_then(Value::as_array);
        Ok(schedules.into_iter().flatten().map(|schedule| text(schedule, "cron")).collect())
    }

    /// The version of the Worker that runs, with its annotations. `None` if nothing is deployed.
    pub(crate) fn version(&self, worker: &str) -> Result<Option<Value>, Error> {
        let script = format!("/workers/scripts/{}", encoded(worker));
        let deployments = self.get(&format!("{script}/deployments"))?.unwrap_or_default();
        match deployments.pointer("/deployments/0/versions/0/version_id").and_then(Value::as_str) {
            Some(id) => self.get(&format!("{script}/versions/{}", encoded(id))),
            None => Ok(None),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/accounts/{}{path}", self.base, self.account)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    fn call(&self, request: ureq::RequestBuilder<ureq::typestate::WithoutBody>) -> Result<Response<Body>, Error> {
        request.header("authorization", self.bearer()).call().map_err(|error| self.unreachable(error))
    }

    fn unreachable(&self, error: HttpError) -> Error {
        Error::Unreachable(format!("no answer from {}: {error}", self.base))
    }

    fn read(&self, mut response: Response<Body>) -> Result<Option<Value>, Error> {
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let text = body.read_to_string().map_err(|error| self.unreachable(error))?;
        let Ok(Envelope { success, result, errors }) = serde_json::from_str(&text) else {
            return Err(Error::Unreachable(format!("{} answered {status}, but not like Cloudflare", self.base)));
        };
        if success {
            return Ok(Some(result));
        }
        if status == 404 {
            return Ok(None);
        }
        let errors = errors.iter().map(|error| format!("{} (code {})", error.message, error.code)).collect::<Vec<_>>();
        let hint = if matches!(status, 401 | 403) { ". Check the permissions of the API token" } else { "" };
        Err(Error::Failed(format!("Cloudflare answered {status}: {}{hint}", errors.join("; "))))
    }
}

/// Where a new database is. It cannot be moved later.
#[derive(clap::Args, Default, Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Place {
    /// The region of a new database: wnam, enam, weur, eeur, apac or oc. By default it is near this
    /// machine.
    #[arg(long, value_name = "REGION")]
    #[serde(rename = "region")]
    pub(super) location: Option<String>,
    /// The jurisdiction of a new database, which its data never leave: eu, us or fedramp.
    #[arg(long, value_name = "PLACE")]
    pub(super) jurisdiction: Option<String>,
}

/// A text field of an answer, empty if it is missing.
pub(crate) fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The token of `wrangler login`.
fn token_of_login(package: &Package) -> Result<String, Error> {
    let output = package.wrangler(&["auth", "token", "--json"])?.output();
    let output = output.map_err(|error| Error::Failed(format!("could not start wrangler: {error}")))?;
    let token =
        serde_json::from_slice::<Value>(&output.stdout).map(|answer| text(&answer, "token")).unwrap_or_default();
    if token.is_empty() {
        let fix = format!("run `npx wrangler login`, or set {TOKEN_VARIABLE}");
        return Err(Error::Usage(format!("you are not signed in to Cloudflare: {fix}")));
    }
    Ok(token)
}
