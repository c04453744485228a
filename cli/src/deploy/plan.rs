//! What a deployment needs, and what of it exists. Only reads.

use std::fmt::Write;

use serde_json::{Value, json};

use super::cloudflare::{Cloudflare, Place, text};
use super::folder::{CELL, Database as Bound, Folder};
use super::parallel::six_at_a_time;
use crate::error::Error;

/// The secrets of the Worker. Both are random.
pub(crate) const SECRETS: [&str; 2] = ["OPERATOR_KEY", "SECRETS_KEY"];

/// What is deployed, and what is missing.
pub(crate) struct Plan {
    /// `DB` first, then the cells.
    pub(super) databases: Vec<Database>,
    pub(crate) missing_queues: Vec<String>,
    /// Queues that the Worker does not consume yet.
    pub(crate) missing_consumers: Vec<String>,
    pub(crate) missing_crons: Vec<String>,
    pub(crate) missing_secrets: Vec<&'static str>,
    /// The name of this build with this configuration, as Cloudflare stores it.
    pub(crate) tag: String,
    /// Whether this build with this configuration is what runs.
    pub(crate) is_current: bool,
    /// The version that runs. `None` if no Worker has this name.
    pub(crate) version: Option<String>,
    worker: String,
    queues: Vec<String>,
}

/// A database of the configuration, and what of it exists.
pub(super) struct Database {
    pub(super) binding: String,
    pub(super) name: String,
    /// Where the configuration says that it is.
    pub(super) place: Place,
    /// What Cloudflare says about it. `None` if it must be created.
    pub(super) found: Option<Value>,
    pub(super) pending_migrations: Vec<String>,
}

impl Database {
    fn survey(cloudflare: &Cloudflare, folder: &Folder, (binding, name, place): &Named) -> Result<Self, Error> {
        let found = cloudflare.database(name)?;
        let pending_migrations = pending(cloudflare, found.as_ref().map(|found| text(found, "uuid")), folder)?;
        Ok(Self { binding: binding.clone(), name: name.clone(), place: place.clone(), found, pending_migrations })
    }

    pub(super) fn is_first(&self) -> bool {
        !self.binding.starts_with(CELL)
    }

    pub(super) fn id(&self) -> Option<String> {
        self.found.as_ref().map(|found| text(found, "uuid"))
    }

    /// Why the database is not where the configuration says. It cannot be moved.
    pub(super) fn misplaced(&self) -> Option<String> {
        let (jurisdiction, found) = (self.place.jurisdiction.as_ref()?, self.found.as_ref()?.get("jurisdiction")?);
        let message = format!("the database {} exists, but not in the jurisdiction {jurisdiction}", self.name);
        (found.as_str() != Some(jurisdiction)).then_some(message)
    }

    /// A migration, for people. Those of a cell name its database.
    fn migration(&self, name: &str) -> String {
        if self.is_first() { name.to_owned() } else { format!("{name} of {}", self.name) }
    }
}

/// Binding, name and place of a database.
type Named = (String, String, Place);

impl Plan {
    pub(crate) fn survey(cloudflare: &Cloudflare, folder: &Folder) -> Result<Self, Error> {
        let config = &folder.config;
        config.database()?;
        let mut places = config.places()?;
        let named = |Bound { binding, name }: &Bound| {
            (binding.clone(), name.clone(), places.remove(binding).unwrap_or_default())
        };
        let named = config.databases().map(named).collect::<Vec<_>>();
        let databases = six_at_a_time(&named, |named| Database::survey(cloudflare, folder, named))?;
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
            missing_crons: config.triggers.crons.iter().filter(|cron| !crons.contains(cron)).cloned().collect(),
            missing_secrets: SECRETS.into_iter().filter(|name| !secrets.iter().any(|set| set == name)).collect(),
            is_current: running.and_then(Value::as_str) == Some(&tag),
            version: version.map(|version| text(&version, "id")),
            databases,
            missing_queues,
            missing_consumers,
            tag,
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

    /// The migrations that databases lack, for people.
    pub(crate) fn pending_migrations(&self) -> Vec<String> {
        let of = |database: &Database| {
            database.pending_migrations.iter().map(|name| database.migration(name)).collect::<Vec<_>>()
        };
        self.databases.iter().flat_map(of).collect()
    }

    /// Whether everything exists.
    pub(crate) fn is_done(&self) -> bool {
        self.databases.iter().all(|database| database.found.is_some() && database.pending_migrations.is_empty())
            && self.missing_queues.is_empty()
            && !self.needs_upload()
    }

    /// Each resource, with whether it is to be made.
    fn steps(&self) -> Vec<(&'static str, String, bool)> {
        let databases = self.databases.iter();
        let mut steps = databases
            .map(|database| ("D1 database", database.name.clone(), database.found.is_none()))
            .collect::<Vec<_>>();
        steps.extend(self.queues.iter().map(|queue| ("queue", queue.clone(), self.missing_queues.contains(queue))));
        steps.extend(SECRETS.map(|name| ("secret", name.to_owned(), self.missing_secrets.contains(&name))));
        steps.extend(self.pending_migrations().into_iter().map(|name| ("migration", name, true)));
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
fn pending(cloudflare: &Cloudflare, database: Option<String>, folder: &Folder) -> Result<Vec<String>, Error> {
    let applied = match database {
        Some(database) => applied(cloudflare, &database)?,
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
