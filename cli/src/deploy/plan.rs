//! What a deployment needs, and what of it exists. Only reads.

use std::fmt::Write;

use serde_json::{Value, json};

use super::cloudflare::{Cloudflare, text};
use super::folder::Folder;
use crate::error::Error;

/// The secrets of the Worker. Both are random.
pub(crate) const SECRETS: [&str; 2] = ["OPERATOR_KEY", "SECRETS_KEY"];

/// What is deployed, and what is missing.
pub(crate) struct Plan {
    /// The id of the database. `None` if it must be created.
    pub(crate) database: Option<String>,
    pub(crate) missing_queues: Vec<String>,
    /// Queues that the Worker does not consume yet.
    pub(crate) missing_consumers: Vec<String>,
    pub(crate) missing_crons: Vec<String>,
    pub(crate) missing_secrets: Vec<&'static str>,
    pub(crate) pending_migrations: Vec<String>,
    /// The name of this build with this configuration, as Cloudflare stores it.
    pub(crate) tag: String,
    /// Whether this build with this configuration is what runs.
    pub(crate) is_current: bool,
    /// The version that runs. `None` if no Worker has this name.
    pub(crate) version: Option<String>,
    database_name: String,
    worker: String,
    queues: Vec<String>,
}

impl Plan {
    pub(crate) fn survey(cloudflare: &Cloudflare, folder: &Folder) -> Result<Self, Error> {
        let config = &folder.config;
        let database = cloudflare.database(config.database()?)?.map(|database| text(&database, "uuid"));
        let (mut missing_queues, mut missing_consumers) = (Vec::new(), Vec::new());
        for name in config.queues() {
            let queue = cloudflare.queue(name)?;
            if config.consumed().any(|consumed| consumed == name)
                && !queue.as_ref().is_some_and(|q| consumes(q, &config.name))
            {
                missing_consumers.push(name.to_owned());
            }
            if queue.is_none() {
                missing_queues.push(name.to_owned());
            }
        }
        let crons = cloudflare.crons(&config.name)?;
        let secrets = cloudflare.secrets(&config.name)?.unwrap_or_default();
        let version = cloudflare.version(&config.name)?;
        let tag = folder.tag()?;
        let running = version.as_ref().and_then(|version| version.pointer("/annotations/workers~1tag"));
        Ok(Self {
            pending_migrations: pending(cloudflare, database.as_deref(), folder)?,
            missing_crons: config.triggers.crons.iter().filter(|cron| !crons.contains(cron)).cloned().collect(),
            missing_secrets: SECRETS.into_iter().filter(|name| !secrets.iter().any(|set| set == name)).collect(),
            is_current: running.and_then(Value::as_str) == Some(&tag),
            version: version.map(|version| text(&version, "id")),
            database,
            missing_queues,
            missing_consumers,
            tag,
            database_name: config.database()?.to_owned(),
            worker: config.name.clone(),
            queues: config.queues().into_iter().map(str::to_owned).collect(),
        })
    }

    /// Whether wrangler has to deploy. It also sets secrets, crons and consumers.
    pub(crate) fn needs_upload(&self) -> bool {
        let is_complete =
            self.missing_secrets.is_empty() && self.missing_crons.is_empty() && self.missing_consumers.is_empty();
        !self.is_current || !is_complete
    }

    /// Whether everything exists.
    pub(crate) fn is_done(&self) -> bool {
        self.database.is_some()
            && self.missing_queues.is_empty()
            && self.pending_migrations.is_empty()
            && !self.needs_upload()
    }

    /// Each resource, with whether it is to be made.
    fn steps(&self) -> Vec<(&'static str, String, bool)> {
        let mut steps = vec![("D1 database", self.database_name.clone(), self.database.is_none())];
        steps.extend(self.queues.iter().map(|queue| ("queue", queue.clone(), self.missing_queues.contains(queue))));
        steps.extend(SECRETS.map(|name| ("secret", name.to_owned(), self.missing_secrets.contains(&name))));
        let migrations = self.pending_migrations.iter().map(|name| ("migration", name.clone(), true));
        steps.extend(migrations);
        steps.push(("Worker", self.worker.clone(), self.needs_upload()));
        steps
    }

    /// One line for each resource.
    pub(crate) fn layout(&self) -> String {
        let mut lines = String::new();
        for (kind, name, is_missing) in self.steps() {
            let what = match (kind, is_missing) {
                ("migration", _) => "apply",
                ("Worker", true) => "deploy",
                (_, true) => "create",
                (_, false) => "ok",
            };
            let _ = writeln!(lines, "  {what:<7} {kind} {name}");
        }
        lines.trim_end().to_owned()
    }

    pub(crate) fn to_json(&self) -> Value {
        let step =
            |(kind, name, is_missing): (&str, String, bool)| json!({"kind": kind, "name": name, "exists": !is_missing});
        json!(self.steps().into_iter().map(step).collect::<Vec<_>>())
    }
}

/// Whether the Worker consumes this queue.
fn consumes(queue: &Value, worker: &str) -> bool {
    let consumers = queue.get("consumers").and_then(Value::as_array);
    let is_worker =
        |consumer: &Value| ["script", "service", "script_name"].iter().any(|name| text(consumer, name) == worker);
    consumers.is_some_and(|consumers| consumers.iter().any(is_worker))
}

/// The migrations that the database does not have.
fn pending(cloudflare: &Cloudflare, database: Option<&str>, folder: &Folder) -> Result<Vec<String>, Error> {
    let applied = match database {
        Some(database) => applied(cloudflare, database)?,
        None => Vec::new(),
    };
    Ok(folder.migrations()?.into_iter().filter(|name| !applied.contains(name)).collect())
}

/// The names of the migrations that the database has.
pub(crate) fn applied(cloudflare: &Cloudflare, database: &str) -> Result<Vec<String>, Error> {
    let tables = cloudflare.query(database, "select name from sqlite_master where name = 'd1_migrations'")?;
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let rows = cloudflare.query(database, "select name from d1_migrations order by id")?;
    Ok(rows.iter().map(|row| text(row, "name")).collect())
}
