//! The folder of a deployment: `wrangler.toml`, which belongs to the user once it is written, and
//! what the package has built, which each run replaces.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use trackmate_wire::hex::hex;

use super::cloudflare::Place;
use crate::error::Error;
use crate::package::Package;

/// The settings that fit the free plan, each in the form in which `wrangler.toml` has it.
const FREE_PLAN: [(&str, &str); 4] = [
    ("EXPORT_PAGES_MAX = \"900\"", "EXPORT_PAGES_MAX = \"40\""),
    ("COUNT_SLICES_MAX = \"900\"", "COUNT_SLICES_MAX = \"40\""),
    ("D1_BYTES_MAX = \"10000000000\"", "D1_BYTES_MAX = \"500000000\""),
    (
        "max_batch_size = 10\nmax_batch_timeout = 1\nmax_retries = 100\ndead_letter_queue = \"trackmate-spill-dead\"",
        "max_batch_size = 2\nmax_batch_timeout = 1\nmax_retries = 100\ndead_letter_queue = \"trackmate-spill-dead\"",
    ),
];
/// What is copied from the package, under the same paths.
const BUILT: [&str; 3] = ["edge/build", "edge/migrations", "www/dist"];
pub(super) const CONFIG: &str = "wrangler.toml";
/// The binding of the first database, and how those of the others begin.
const FIRST: &str = "DB";
pub(super) const CELL: &str = "CELL_";
/// Where Cloudflare can keep data.
pub(super) const JURISDICTIONS: [&str; 3] = ["eu", "us", "fedramp"];

/// The options of `trackmate upgrade` and `doctor`.
#[derive(Args)]
pub(crate) struct FolderOption {
    /// The folder of the deployment.
    #[arg(long, value_name = "FOLDER", default_value = "trackmate")]
    pub(super) folder: PathBuf,
}

/// A deployment's folder and what its `wrangler.toml` names.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) config: Config,
    /// Whether `wrangler.toml` is not written yet.
    pub(crate) is_new: bool,
    pub(super) text: String,
    package: PathBuf,
    /// What the package's wrangler.toml has and this one lacks: a newer version needs more.
    pub(crate) lacks: Vec<String>,
}

/// The part of `wrangler.toml` that this tool reads.
#[derive(Deserialize)]
pub(crate) struct Config {
    pub(crate) name: String,
    pub(crate) account_id: Option<String>,
    #[serde(default)]
    d1_databases: Vec<Database>,
    #[serde(default)]
    queues: Queues,
    #[serde(default)]
    pub(crate) ratelimits: Vec<RateLimit>,
    #[serde(default)]
    pub(crate) triggers: Triggers,
    #[serde(default)]
    pub(crate) vars: toml::Table,
}

/// A database of the Worker.
#[derive(Deserialize)]
pub(super) struct Database {
    pub(super) binding: String,
    #[serde(rename = "database_name")]
    pub(super) name: String,
}

#[derive(Default, Deserialize)]
struct Queues {
    #[serde(default)]
    producers: Vec<Producer>,
    #[serde(default)]
    consumers: Vec<Consumer>,
}

#[derive(Deserialize)]
struct Producer {
    binding: String,
    queue: String,
}

#[derive(Deserialize)]
pub(super) struct Consumer {
    queue: String,
    pub(super) dead_letter_queue: Option<String>,
    /// The others: `max_batch_size`, ….
    #[serde(flatten)]
    pub(super) settings: toml::Table,
}

#[derive(Deserialize)]
pub(crate) struct RateLimit {
    pub(crate) name: String,
}

#[derive(Default, Deserialize)]
pub(crate) struct Triggers {
    #[serde(default)]
    pub(crate) crons: Vec<String>,
}

impl Config {
    /// The database of the binding `DB`.
    pub(crate) fn database(&self) -> Result<&str, Error> {
        let first = self.d1_databases.iter().find(|database| database.binding == FIRST);
        let name = first.map(|database| database.name.as_str());
        name.ok_or_else(|| Error::Usage(format!("{CONFIG} has no database with the binding {FIRST}: [[d1_databases]]")))
    }

    /// The databases that have companies: `DB`, and each binding `CELL_…`.
    pub(super) fn databases(&self) -> impl Iterator<Item = &Database> {
        let cells = self.d1_databases.iter().filter(|database| database.binding.starts_with(CELL));
        self.d1_databases.iter().filter(|database| database.binding == FIRST).chain(cells)
    }

    /// Where each cell is, by its binding, as the variable `CELLS` says.
    pub(super) fn places(&self) -> Result<BTreeMap<String, Place>, Error> {
        let Some(text) = self.vars.get("CELLS").and_then(toml::Value::as_str) else { return Ok(BTreeMap::new()) };
        serde_json::from_str(text).map_err(|error| Error::Usage(format!("{CONFIG}: the variable CELLS: {error}")))
    }

    /// The queue of this binding.
    pub(super) fn queue_of(&self, binding: &str) -> Option<&str> {
        self.queues
            .producers
            .iter()
            .find(|producer| producer.binding == binding)
            .map(|producer| producer.queue.as_str())
    }

    pub(super) fn consumer_of(&self, queue: &str) -> Option<&Consumer> {
        self.queues.consumers.iter().find(|consumer| consumer.queue == queue)
    }

    /// The jurisdiction of a queue: that of its binding, such as `SPILL_EU`, or else that of the
    /// queue whose failed messages it takes.
    pub(super) fn jurisdiction(&self, queue: &str) -> Option<String> {
        let bound = |queue: &str| {
            let producers = self.queues.producers.iter().filter(|producer| producer.queue == queue);
            let mut names = producers.filter_map(|Producer { binding, .. }| {
                binding.strip_prefix("SPILL_").or_else(|| binding.strip_prefix("LOST_")).map(str::to_lowercase)
            });
            names.find(|name| JURISDICTIONS.contains(&name.as_str()))
        };
        let fails = |consumer: &&Consumer| consumer.dead_letter_queue.as_deref() == Some(queue);
        bound(queue).or_else(|| bound(&self.queues.consumers.iter().find(fails)?.queue))
    }

    /// The queues that the Worker sends to or consumes, and those for what fails.
    pub(crate) fn queues(&self) -> BTreeSet<&str> {
        let produced = self.queues.producers.iter().map(|producer| producer.queue.as_str());
        let failed = self.queues.consumers.iter().filter_map(|consumer| consumer.dead_letter_queue.as_deref());
        produced.chain(self.consumed()).chain(failed).collect()
    }

    /// Everything that the Worker can ask its environment for.
    fn names(&self) -> BTreeSet<String> {
        let databases = self.d1_databases.iter().map(|database| format!("the binding {}", database.binding));
        let producers = self.queues.producers.iter().map(|producer| format!("the binding {}", producer.binding));
        let limits = self.ratelimits.iter().map(|limit| format!("the rate limit {}", limit.name));
        let variables = self.vars.keys().map(|name| format!("the variable {name}"));
        let crons = self.triggers.crons.iter().map(|cron| format!("the cron {cron}"));
        databases.chain(producers).chain(limits).chain(variables).chain(crons).collect()
    }

    pub(crate) fn consumed(&self) -> impl Iterator<Item = &str> {
        self.queues.consumers.iter().map(|consumer| consumer.queue.as_str())
    }
}

impl Folder {
    /// Reads the folder's `wrangler.toml`, or the package's if there is none yet. Writes nothing.
    pub(crate) fn open(path: PathBuf, package: &Package, free_plan: bool) -> Result<Self, Error> {
        let file = path.join(CONFIG);
        let template = package.folder().join(CONFIG);
        let packaged = fs::read_to_string(&template).map_err(|error| unreadable(&template, &error))?;
        let (text, is_new) = match fs::read_to_string(&file) {
            Ok(text) => (text, false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (if free_plan { fitted(packaged.clone()) } else { packaged.clone() }, true)
            }
            Err(error) => return Err(unreadable(&file, &error)),
        };
        let (config, whole) = (parse(&text, &file)?, parse(&packaged, &template)?);
        let lacks = whole.names().difference(&config.names()).cloned().collect();
        Ok(Self { path, config, is_new, text, package: package.folder().to_owned(), lacks })
    }

    /// Where the configuration is from, for people.
    pub(crate) fn source(&self) -> String {
        let file = self.path.join(CONFIG).display().to_string();
        if self.is_new { format!("a new {file}") } else { file }
    }

    /// Replaces the text of `wrangler.toml`, also on the disk.
    pub(super) fn replace(&mut self, text: String) -> Result<(), Error> {
        let file = self.path.join(CONFIG);
        let config = parse(&text, &file)?;
        let part = self.path.join("wrangler.toml.part");
        let written = fs::write(&part, &text).and_then(|()| fs::rename(&part, &file));
        written.map_err(|error| Error::Failed(format!("could not write {}: {error}", file.display())))?;
        (self.config, self.text) = (config, text);
        Ok(())
    }

    /// Writes what is missing, and replaces what is built.
    pub(crate) fn write(&self) -> Result<(), Error> {
        let written = || -> io::Result<()> {
            fs::create_dir_all(&self.path)?;
            if self.is_new {
                fs::write(self.path.join(CONFIG), &self.text)?;
            }
            for part in BUILT {
                let target = self.path.join(part);
                if target.exists() {
                    fs::remove_dir_all(&target)?;
                }
                for file in files(&self.package, Path::new(part))? {
                    let target = self.path.join(&file);
                    fs::create_dir_all(target.parent().unwrap_or(&self.path))?;
                    fs::copy(self.package.join(&file), target)?;
                }
            }
            Ok(())
        };
        written().map_err(|error| Error::Failed(format!("could not write {}: {error}", self.path.display())))
    }

    /// Names what would be deployed: a hash of the configuration and of all files.
    pub(crate) fn tag(&self) -> Result<String, Error> {
        let hashed = || -> io::Result<String> {
            let mut hash = Sha256::new();
            hash.update(&self.text);
            for part in BUILT {
                for file in files(&self.package, Path::new(part))? {
                    hash.update(file.to_string_lossy().as_bytes());
                    hash.update(Sha256::digest(fs::read(self.package.join(&file))?));
                }
            }
            Ok(hex(&hash.finalize()))
        };
        let hash = hashed().map_err(|error| unreadable(&self.package, &error))?;
        // Cloudflare allows 25 characters.
        Ok(format!("trackmate-{}", hash.get(..14).unwrap_or(&hash)))
    }

    /// The names of the package's migrations, in order.
    pub(crate) fn migrations(&self) -> Result<Vec<String>, Error> {
        let found =
            files(&self.package, Path::new("edge/migrations")).map_err(|error| unreadable(&self.package, &error))?;
        Ok(found.iter().filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned())).collect())
    }
}

pub(super) fn parse(text: &str, file: &Path) -> Result<Config, Error> {
    toml::from_str(text).map_err(|error| Error::Usage(format!("{}: {}", file.display(), error.message())))
}

/// The configuration with the settings of the free plan.
fn fitted(text: String) -> String {
    FREE_PLAN.iter().fold(text, |text, (paid, free)| text.replacen(paid, free, 1))
}

/// All files under a folder, in order, with their paths from the base.
fn files(base: &Path, folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(base.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            found.extend(files(base, &path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::Failed(format!("could not read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPOSITORY: &str = include_str!("../../../wrangler.toml");

    #[test]
    fn the_repositorys_configuration_has_a_database_and_four_queues() {
        let config: Config = toml::from_str(REPOSITORY).unwrap();
        assert_eq!(config.database().unwrap(), "trackmate");
        let queues = ["trackmate-deliveries", "trackmate-spill", "trackmate-spill-dead", "trackmate-spill-lost"];
        assert_eq!(config.queues().into_iter().collect::<Vec<_>>(), queues);
        assert_eq!(config.consumed().collect::<Vec<_>>(), &queues[..3]);
    }

    #[test]
    fn each_setting_of_the_free_plan_replaces_one_of_the_repositorys_configuration() {
        for (paid, _) in FREE_PLAN {
            assert_eq!(REPOSITORY.matches(paid).count(), 1, "{paid}");
        }
        let free = fitted(REPOSITORY.to_owned());
        assert!(FREE_PLAN.iter().all(|(_, setting)| free.contains(setting)));
    }
}
