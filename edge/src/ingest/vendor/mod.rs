//! Other vendors' clients, pointed at TrackMate: their bodies (`domain::compat` reads them) go through the doors that our own take.
//!
//! The public write key is the company id: it may do what a page may. A key of scope `server` may do what a server may, and is refused where a page sends it.
//! To add a client family: see [`crate::domain::compat`].

mod identify;
mod items;

use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use trackmate_wire::problem::{Code, Problem};
use worker::console_error;

use crate::domain::compat::segment::Kind;
use crate::domain::compat::{Sent, jitsu, posthog, segment};
use crate::domain::secret;
use crate::error::Error;
use crate::http::context::{Asked, Call};
use crate::http::response::HandlerResult;
use crate::http::vendor::write_key;
pub(crate) use crate::http::vendor::write_key::Key;
use crate::http::{body, rate_limit};
use crate::ingest::browser::{Came, Receipt, Rejected};
use crate::ingest::outage_buffer::{self, Work};
use crate::ingest::outcome_log;

/// Whose form a body has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Family {
    /// `/v1/{kind}` and its letters.
    Segment(Kind),
    /// `/v1/batch`, `/beacon/v1/batch`.
    SegmentBatch,
    /// `/batch`, `/capture`, `/e`, `/i/v0/e`.
    PostHog,
    /// `/api/s/{kind}`, `/api/s/s2s/{kind}`.
    Jitsu(String),
}

impl Family {
    /// Of `/v1/{kind}`.
    pub(crate) fn segment(kind: &str) -> Option<Self> {
        if let "batch" | "b" = kind {
            return Some(Self::SegmentBatch);
        }
        Kind::named(kind).map(Self::Segment)
    }

    fn read<'a>(&self, text: &'a str) -> Result<Sent<'a>, Problem> {
        match self {
            Self::Segment(kind) => segment::message(text, Some(*kind)),
            Self::SegmentBatch => segment::batch(text),
            Self::PostHog => posthog::read(text),
            Self::Jitsu(kind) => jitsu::message(text, kind),
        }
    }
}

/// What became of a body's items.
#[derive(Default)]
struct Tally {
    accepted: usize,
    duplicates: usize,
    rejected: Vec<(usize, Problem)>,
}

impl Tally {
    const fn count(&mut self, is_new: bool) {
        if is_new {
            self.accepted += 1;
        } else {
            self.duplicates += 1;
        }
    }

    /// Counts events of which so many could be stored, or were refused then.
    fn add(&mut self, count: usize, came: Came) {
        self.accepted += came.new;
        self.duplicates += count.saturating_sub(came.new + came.rejected.len());
        self.rejected.extend(came.rejected);
    }

    /// Notes an item that was refused; what is no matter of this one item is the request's failure.
    fn refuse(&mut self, index: usize, error: Error) -> Result<(), Error> {
        match error {
            Error::Problem(problem) if !matters_to_all(problem.code) => {
                self.rejected.push((index, problem));
                Ok(())
            }
            error @ (Error::Problem(_) | Error::Internal(_) | Error::Down(_) | Error::Full(_)) => Err(error),
        }
    }
}

/// Whether a problem is the request's and not one item's.
const fn matters_to_all(code: Code) -> bool {
    matches!(
        code,
        Code::UnknownCompany
            | Code::OriginNotAllowed
            | Code::MissingKey
            | Code::InvalidKey
            | Code::WrongScope
            | Code::Busy
    )
}

/// `POST` in a vendor's form → `{success, accepted, duplicates, rejected:[{index, code, message, field?}]}`. A body of one item that is refused is a problem.
pub(crate) async fn post(call: &Call, family: &Family) -> HandlerResult {
    let told = body::as_sent(call).await?;
    let secret = if secret::is_in(&told) { family.read(&told)?.key } else { None };
    // From here on the key is known by its hash alone, wherever in the body it stands.
    let text = secret::hidden(told);
    let mut sent = family.read(&text)?;
    let (single, in_body) = (sent.single, sent.key.take());
    let key = write_key::shown(call, secret.or(in_body))?;
    match &key {
        Key::Public(company) => rate_limit::page(call, company, sent.items.len()).await?,
        Key::Server(hash) => {
            rate_limit::key(call, hash).await?;
            rate_limit::items(call, hash, sent.items.len()).await?;
        }
    }
    let taken = take(call, &key, sent).await;
    let (mut tally, queued) = match taken {
        Err(Error::Down(why)) => {
            let foreign = Foreign::of(call, family, key, &text).map_err(|_| Error::Down(why.clone()))?;
            outage_buffer::or_keep(call, Err::<(), _>(Error::Down(why)), || Work::Foreign(foreign)).await?;
            (items::unknown(call, family.read(&text)?), true)
        }
        taken => (taken?, false),
    };
    outcome_log::refused_items(call, &texts(&text, single), &tally.rejected);
    if single && let Some((_, problem)) = tally.rejected.pop() {
        return Err(problem.into());
    }
    tally.rejected.sort_by_key(|(index, _)| *index);
    Ok(serde_json::to_string(&Receipt {
        success: true,
        accepted: tally.accepted,
        duplicates: tally.duplicates,
        rejected: tally.rejected.into_iter().map(|(index, problem)| Rejected::new(index, problem)).collect(),
        queued,
    })?)
}

/// The items' own texts, in their order.
fn texts(text: &str, single: bool) -> Vec<&str> {
    #[derive(Deserialize)]
    struct Batch<'a> {
        #[serde(borrow)]
        batch: Vec<&'a RawValue>,
    }
    if single {
        return vec![text];
    }
    let items = serde_json::from_str(text).map(|Batch { batch }| batch).or_else(|_| serde_json::from_str(text));
    items.unwrap_or_default().into_iter().map(RawValue::get).collect()
}

async fn take(call: &Call, key: &Key, sent: Sent<'_>) -> Result<Tally, Error> {
    match key {
        Key::Public(company) => items::public(call, company, sent).await.map_err(as_key),
        Key::Server(hash) => items::server(call, hash, sent).await,
    }
}

/// What a client sent, kept as it was while D1 is down: what becomes of its items depends on what D1 knows. The ids that it left to us follow from the seed.
#[derive(Serialize, Deserialize)]
pub(crate) struct Foreign {
    family: Family,
    pub(crate) key: Key,
    body: Box<RawValue>,
    origin: Option<String>,
    agent: Option<String>,
    seed: String,
}

impl Foreign {
    fn of(call: &Call, family: &Family, key: Key, text: &str) -> serde_json::Result<Self> {
        Ok(Self {
            family: family.clone(),
            key,
            body: serde_json::from_str(text)?,
            origin: call.header("origin"),
            agent: call.header("user-agent"),
            seed: call.seed().to_owned(),
        })
    }

    /// What is still asked of the request when it is stored.
    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked { origin: self.origin.as_deref(), agent: self.agent.as_deref(), seed: Some(&self.seed) }
    }

    /// Stores what was kept.
    pub(crate) async fn store_again(&self, call: &Call) -> Result<(), Error> {
        let sent = self.family.read(self.body.get())?;
        let single = sent.single;
        let tally = take(call, &self.key, sent).await?;
        if !tally.rejected.is_empty() {
            console_error!("{} of a queued request's items were refused", tally.rejected.len());
            outcome_log::refused_items(call, &texts(self.body.get(), single), &tally.rejected);
        }
        Ok(())
    }
}

/// To a vendor's client the company is a key.
fn as_key(error: Error) -> Error {
    match error {
        Error::Problem(Problem { code: Code::UnknownCompany, .. }) => write_key::unknown().into(),
        error @ (Error::Problem(_) | Error::Internal(_) | Error::Down(_) | Error::Full(_)) => error,
    }
}

/// `GET /v1/projects/{key}/settings` → what analytics.js asks before it sends: where to. So does Customer.io's client, by
/// another name.
pub(crate) async fn settings(call: &Call, key: &str) -> HandlerResult {
    let (protocol, host) = call.own_origin().unwrap_or_default();
    let segment = json!({"apiKey": key, "apiHost": format!("{host}/v1"), "protocol": protocol, "unbundledIntegrations": [], "addBundledMetadata": false});
    let enabled = json!({"__default": {"enabled": true, "integrations": {}}});
    Ok(json!({
        "integrations": {"Segment.io": segment, "Customer.io Data Pipelines": segment}, "plan": {"track": enabled, "identify": enabled, "group": enabled}, "edgeFunction": {},
        "analyticsNextEnabled": true, "middlewareSettings": {}, "enabledMiddleware": {}, "metrics": {"sampleRate": 0}, "legacyVideoPluginsEnabled": false,
        "remotePlugins": [],
    })
    .to_string())
}

/// `GET /sourceConfig?writeKey=` → what RudderStack's clients ask before they send: that the source is on, and that the page
/// itself sends nothing on to anybody else.
pub(crate) async fn source_config(call: &Call) -> HandlerResult {
    let key = call.query("writeKey").unwrap_or_default();
    Ok(json!({"source": {
        "id": key, "name": "TrackMate", "writeKey": key, "enabled": true, "workspaceId": key, "config": {}, "connections": [],
        "destinations": [],
    }})
    .to_string())
}

/// `POST /flags`, `/decide`, `GET /array/{key}/config` → what PostHog's clients ask beside: there are no feature flags, and nothing is recorded.
pub(crate) async fn flags(_call: &Call) -> HandlerResult {
    Ok(json!({
        "flags": {}, "featureFlags": {}, "featureFlagPayloads": {}, "errorsWhileComputingFlags": false, "hasFeatureFlags": false,
        "config": {"enable_collect_everything": false}, "supportedCompression": ["gzip", "gzip-js"], "sessionRecording": false, "surveys": false,
        "heatmaps": false, "capturePerformance": false, "autocaptureExceptions": false, "autocapture_opt_out": true, "siteApps": [], "toolbarParams": {},
        "isAuthenticated": false,
    })
    .to_string())
}
