//! `trackmate doctor`: looks at a deployment from outside, and says what to do about each problem.

use serde::Serialize;
use serde_json::{Value, json};

use super::cloudflare::{Cloudflare, text};
use super::folder::{Folder, FolderOption};
use super::keys::Keys;
use super::metrics::Metrics;
use super::plan::{Database, Plan};
use super::upgrade::{health, schema};
use crate::api::Api;
use crate::cells::list::{Cells, PATH};
use crate::config::{self, Flags};
use crate::error::Error;
use crate::output::Output;
use crate::package::Package;

const DEPLOY: &str = "run `trackmate deploy`";
/// Percent of the database's limit from which it is a problem. The Worker's log warns from here.
const FULL_PERCENT: u64 = 70;
/// Seconds after which the sweep or a delivery is late. The sweep runs every minute.
const LATE_S: f64 = 300.0;
/// The limit of a database on the paid plan, bytes.
const DATABASE_BYTES_MAX: u64 = 10_000_000_000;

/// One thing that was looked at.
#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Check {
    /// A check that has no problem if nothing is missing.
    fn all(name: &'static str, missing: &[impl AsRef<str>], fix: &str) -> Self {
        let names = missing.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
        let message = if names.is_empty() { "ok".to_owned() } else { format!("missing: {names}") };
        Self::new(name, missing.is_empty(), message, fix)
    }

    fn new(name: &'static str, ok: bool, message: String, fix: &str) -> Self {
        Self { name, ok, message, fix: (!ok).then(|| fix.to_owned()) }
    }

    fn layout(&self) -> String {
        let mark = if self.ok { "✓" } else { "✗" };
        let fix = self.fix.as_ref().map(|fix| format!("\n    Fix: {fix}")).unwrap_or_default();
        format!("{mark} {}: {}{fix}", self.name, self.message)
    }
}

/// Checks a deployment. Changes nothing.
pub(crate) fn doctor(options: FolderOption, flags: &Flags, output: Output) -> Result<(), Error> {
    let package = Package::installed()?;
    let folder = Folder::open(options.folder, &package, false)?;
    let cloudflare = Cloudflare::connect(&package, folder.config.account_id.as_deref())?;
    let plan = Plan::survey(&cloudflare, &folder)?;
    let mut checks = of_account(&plan, &cloudflare, &folder)?;
    checks.extend(of_worker(&folder, Keys::open(flags)?, flags)?);
    let problems = checks.iter().filter(|check| !check.ok).count();
    let lines = checks.iter().map(Check::layout).collect::<Vec<_>>().join("\n");
    output.either(&json!({"success": problems == 0, "checks": checks}), &lines)?;
    match problems {
        0 => Ok(()),
        1 => Err(Error::Failed("1 problem".into())),
        _ => Err(Error::Failed(format!("{problems} problems"))),
    }
}

/// What Cloudflare says about the account.
fn of_account(plan: &Plan, cloudflare: &Cloudflare, folder: &Folder) -> Result<Vec<Check>, Error> {
    let config = &folder.config;
    let deployed = if plan.version.is_some() { "ok" } else { "not deployed" };
    let settings = cloudflare.get(&format!("/workers/scripts/{}/settings", config.name))?.unwrap_or_default();
    let bindings = settings.get("bindings").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_bound = |name: &str| bindings.iter().any(|binding| text(binding, "name") == name);
    let limits = config.ratelimits.iter().map(|limit| limit.name.as_str()).filter(|name| !is_bound(name));
    let migrate = "run `trackmate upgrade`";
    let copy = "copy it from the package's wrangler.toml, then run `trackmate deploy`";
    let mut checks = vec![
        Check::new("Worker", plan.version.is_some(), deployed.into(), DEPLOY),
        Check::all("configuration", &folder.lacks, copy),
        Check::all("secrets", &plan.missing_secrets, DEPLOY),
        Check::all("queues", &plan.missing_queues, DEPLOY),
        Check::all("queue consumers", &plan.missing_consumers, DEPLOY),
        Check::all("cron", &plan.missing_crons, DEPLOY),
        Check::all("rate limits", &limits.collect::<Vec<_>>(), DEPLOY),
        Check::all("migrations", &plan.pending_migrations(), migrate),
    ];
    let databases = &plan.databases;
    checks.push(Check::all("databases", &missing(databases), DEPLOY));
    checks.extend(databases.iter().filter_map(|database| size(database, folder)));
    checks.extend(databases.iter().filter_map(misplaced));
    Ok(checks)
}

/// The databases that do not exist.
fn missing(databases: &[Database]) -> Vec<&str> {
    databases.iter().filter(|database| database.found.is_none()).map(|database| database.name.as_str()).collect()
}

/// A database outside its jurisdiction. It cannot be moved, so nobody can use it for such data.
fn misplaced(database: &Database) -> Option<Check> {
    let fix = "take its binding out of wrangler.toml, then create a cell with another name (docs/cells.md)";
    database.misplaced().map(|message| Check::new("jurisdiction", false, message, fix))
}

/// The size of a database against its limit.
fn size(database: &Database, folder: &Folder) -> Option<Check> {
    let bytes = database.found.as_ref()?.get("file_size").and_then(Value::as_u64).unwrap_or_default();
    let configured = folder.config.vars.get("D1_BYTES_MAX").and_then(toml::Value::as_str);
    let limit = configured.and_then(|text| text.parse().ok()).filter(|&limit| limit > 0).unwrap_or(DATABASE_BYTES_MAX);
    let percent = bytes.saturating_mul(100) / limit;
    let cell = if database.is_first() { String::new() } else { format!("{}: ", database.binding) };
    let message = format!("{cell}{percent} % full, {} of {} MB", bytes / 1_000_000, limit / 1_000_000);
    let fix = "set eventRetentionDays and logRetentionDays of the largest companies (docs/deploy.md), or move \
               companies to another cell (docs/cells.md)";
    Some(Check::new("database size", percent < FULL_PERCENT, message, fix))
}

/// What the Worker says about itself.
fn of_worker(folder: &Folder, keys: Keys, flags: &Flags) -> Result<Vec<Check>, Error> {
    let Some(url) = flags.url().or_else(|| keys.profile.url.clone()) else {
        let fix = "pass --url, or --profile with the profile that `trackmate deploy` wrote";
        return Ok(vec![Check::new("address", false, "not known".into(), fix)]);
    };
    let (version, schema) = (env!("CARGO_PKG_VERSION"), schema(&folder.migrations()?));
    let live = health(&url, "/healthz").map(|(_, answer)| answer).unwrap_or_default();
    let runs = text(&live, "version") == version && live.get("schema").and_then(Value::as_u64) == Some(schema);
    let expected = format!("version {version} with schema {schema}");
    let live = if runs { expected } else { format!("{expected} is this package's, and {url}/healthz answers {live}") };
    let ready = health(&url, "/readyz");
    let is_ready = ready.as_ref().is_some_and(|(status, _)| *status == 200);
    let answered = match &ready {
        Some((200, _)) => "ok".to_owned(),
        Some((status, answer)) => format!("{status} {}: {}", text(answer, "code"), text(answer, "message")),
        None => format!("no answer from {url}/readyz"),
    };
    let mut checks = vec![
        Check::new("version", runs, live, "run `trackmate upgrade`, or npx with the deployed version"),
        Check::new("ready", is_ready, answered, "see the Worker's log (`npx wrangler tail`) and Cloudflare's status"),
    ];
    let bound = folder.config.databases().map(|database| database.binding.as_str()).collect::<Vec<_>>();
    if bound.len() > 1 {
        checks.push(of_cells(&url, &keys, &bound, schema));
    }
    match keys.profile.operator_key.and_then(|key| Metrics::scrape(&url, &key)) {
        Some(metrics) => checks.extend(of_metrics(&metrics)),
        None => {
            let fix = "use the --profile that `trackmate deploy` wrote: it has the OPERATOR_KEY";
            checks.push(Check::new("metrics", false, format!("no answer from {url}/metrics"), fix));
        }
    }
    Ok(checks)
}

/// What the last sweep saw of each cell.
fn of_cells(url: &str, keys: &Keys, bound: &[&str], schema: u64) -> Check {
    let api = |key: &String| Api::operator(config::stored(url, key, keys.file.clone()));
    let list = keys.profile.operator_key.as_ref().map(|key| api(key).get(PATH, &[])?.read::<Cells>());
    let (problems, fix) = match list {
        None => (vec!["the OPERATOR_KEY is not known".into()], "use the --profile that `trackmate deploy` wrote"),
        Some(Err(error)) => (vec![error.to_string()], "run `trackmate upgrade`"),
        Some(Ok(cells)) => {
            let now = chrono::Utc::now().timestamp_millis();
            (cells.problems(bound, schema, now), "see docs/cells.md, and the Worker's log (`npx wrangler tail`)")
        }
    };
    let message = if problems.is_empty() { "ok".to_owned() } else { problems.join("; ") };
    Check::new("cells", problems.is_empty(), message, fix)
}

/// What the Worker measures. Counters are a lower limit: a crash loses the last seconds.
fn of_metrics(metrics: &Metrics) -> [Check; 3] {
    let now = chrono::Utc::now().timestamp();
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let age = metrics.value("trackmate_sweep_last_run_timestamp_seconds").map(|last| now as f64 - last);
    let sweep = age.map_or_else(|| "has not run yet".to_owned(), |age| format!("ran {:.0} s ago", age.max(0.0)));
    let due = metrics.count("trackmate_delivery_oldest_due_age_seconds");
    let buffered = metrics.count("trackmate_outage_buffer_messages_total");
    let lost = metrics.count("trackmate_outage_buffer_lost_messages_total");
    let waiting = (buffered - metrics.count("trackmate_outage_buffer_drained_messages_total") - lost).max(0.0);
    let buffer = format!("about {waiting:.0} messages wait, {lost:.0} were given up");
    let consume = "check that the Worker consumes the queue of its binding DELIVERIES";
    let drain = "while D1 is down they wait; after that see docs/deploy.md, \"What could not be stored\"";
    [
        Check::new("sweep", age.is_some_and(|age| age < LATE_S), sweep, "check the cron: `trackmate deploy` sets it"),
        Check::new("deliveries", due < LATE_S, format!("the oldest has been due for {due:.0} s"), consume),
        Check::new("outage buffer", waiting < 1.0, buffer, drain),
    ]
}
