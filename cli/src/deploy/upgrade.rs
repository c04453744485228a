//! `trackmate upgrade`: brings a deployment to the version of this package, and says how to go
//! back.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::cloudflare::{Cloudflare, Place, text};
use super::folder::{Folder, FolderOption};
use super::keys::Keys;
use super::parallel::six_at_a_time;
use super::plan::Plan;
use super::resources::make;
use super::upload::{Wrangler, bring_up};
use crate::api::agent;
use crate::config::Flags;
use crate::error::Error;
use crate::output::Output;
use crate::package::Package;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const PAUSE: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(crate) struct UpgradeOptions {
    #[command(flatten)]
    folder: FolderOption,
    /// Fail unless this package has this version. npx chooses the package: `npx trackmate@VERSION`.
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Seconds to wait until the new version answers.
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    wait: u64,
}

/// Upgrades a deployment.
pub(crate) fn upgrade(options: UpgradeOptions, flags: &Flags, output: Output) -> Result<(), Error> {
    if let Some(to) = options.to.filter(|to| to != VERSION) {
        let fix = format!("run `npx trackmate@{to} upgrade`");
        return Err(Error::Usage(format!("this package has version {VERSION}, not {to}: {fix}")));
    }
    let package = Package::installed()?;
    let folder = Folder::open(options.folder.folder, &package, false)?;
    let cloudflare = Cloudflare::connect(&package, folder.config.account_id.as_deref())?;
    let plan = Plan::survey(&cloudflare, &folder)?;
    let Some(version) = &plan.version else {
        return Err(Error::Usage("nothing is deployed yet: run `trackmate deploy`".into()));
    };
    let mut keys = Keys::open(flags)?;
    let url = flags.url().or_else(|| keys.profile.url.clone());
    let url = url.ok_or_else(|| Error::Usage("the address of the deployment is missing: pass --url".into()))?;
    for missing in &folder.lacks {
        output.note(&format!("{} lacks {missing}. Copy it from the package's wrangler.toml", folder.source()));
    }
    let back = Back::note(&cloudflare, &folder, &plan, version)?;
    output.note(&back.layout());
    let schema = schema(&folder.migrations()?);
    let changed = !plan.is_done();
    let done = make(&plan, &cloudflare, &folder, &Place::default(), output)
        .and_then(|()| bring_up(&plan, &Wrangler::new(&package, &folder, &cloudflare), &mut keys, output))
        .and_then(|_| answers(&url, schema, Duration::from_secs(options.wait), output));
    done.map_err(|error| Error::Failed(format!("{error}\n{}", back.layout())))?;
    let shown = json!({
        "success": true, "changed": changed, "version": VERSION, "schema": schema, "url": url,
        "previousVersion": back.version, "bookmark": back.first(), "bookmarks": back.bookmarks,
    });
    output.either(&shown, &format!("TrackMate {VERSION} runs at {url}, with schema {schema}."))
}

/// What leads back to the time before the upgrade.
struct Back {
    version: String,
    /// Of each database, by its name.
    bookmarks: BTreeMap<String, String>,
    database: String,
    config: String,
}

impl Back {
    /// Notes the version that runs and the bookmarks of the databases that exist.
    fn note(cloudflare: &Cloudflare, folder: &Folder, plan: &Plan, version: &str) -> Result<Self, Error> {
        let bookmarks = six_at_a_time(&plan.databases, |database| {
            let Some(id) = database.id() else { return Ok(None) };
            let answer = cloudflare.get(&format!("/d1/database/{id}/time_travel/bookmark"))?.unwrap_or_default();
            Ok(Some((database.name.clone(), text(&answer, "bookmark"))))
        })?;
        Ok(Self {
            version: version.to_owned(),
            bookmarks: bookmarks.into_iter().flatten().collect(),
            database: folder.config.database()?.to_owned(),
            config: folder.path.join("wrangler.toml").display().to_string(),
        })
    }

    /// The bookmark of `DB`.
    fn first(&self) -> Option<&String> {
        self.bookmarks.get(&self.database)
    }

    fn layout(&self) -> String {
        let Self { version, bookmarks, config, .. } = self;
        let all = if bookmarks.len() > 1 { ", and only all databases together" } else { "" };
        let restore = |(name, bookmark): (&String, &String)| {
            format!("\n  npx wrangler d1 time-travel restore {name} --bookmark={bookmark} --config {config}")
        };
        format!(
            "To go back to the Worker of before, which also runs on the new schema:\n  \
             npx wrangler rollback {version} --config {config}\n\
             Only if the data is damaged{all}, which also loses what is stored since now:{}",
            bookmarks.iter().map(restore).collect::<String>()
        )
    }
}

/// The number of the newest migration.
pub(super) fn schema(migrations: &[String]) -> u64 {
    let number = |name: &String| name.split('_').next().and_then(|digits| digits.parse().ok());
    migrations.iter().filter_map(number).max().unwrap_or_default()
}

/// What `/healthz` answers. `None` if it does not answer like TrackMate.
pub(super) fn health(url: &str, path: &str) -> Option<(u16, Value)> {
    let mut response = agent(TIMEOUT).get(format!("{}{path}", url.trim_end_matches('/'))).call().ok()?;
    let status = response.status().as_u16();
    let text = response.body_mut().with_config().limit(64 * 1024).read_to_string().ok()?;
    Some((status, serde_json::from_str(&text).ok()?))
}

/// Waits until the deployment answers with this version and schema.
fn answers(url: &str, schema: u64, within: Duration, output: Output) -> Result<(), Error> {
    let start = Instant::now();
    loop {
        let answer = health(url, "/healthz").map(|(_, answer)| answer).unwrap_or_default();
        if text(&answer, "version") == VERSION && answer.get("schema").and_then(Value::as_u64) == Some(schema) {
            output.progress_done();
            return Ok(());
        }
        if start.elapsed() >= within {
            let seconds = within.as_secs();
            let expected = format!("version {VERSION} with schema {schema}");
            return Err(Error::Failed(format!("{url}/healthz did not answer {expected} within {seconds} s: {answer}")));
        }
        output.progress("Waiting until the new version answers …");
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_the_number_of_the_newest_migration() {
        assert_eq!(schema(&["0001_companies.sql".into(), "0014_event_hours.sql".into()]), 14);
        assert_eq!(schema(&[]), 0);
    }
}
