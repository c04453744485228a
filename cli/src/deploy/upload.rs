//! The steps that wrangler does: migrations, upload with secrets, triggers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};
use trackmate_wire::hex::hex;

use super::cloudflare::{Cloudflare, text};
use super::folder::Folder;
use super::keys::Keys;
use super::parallel::six_at_a_time;
use super::plan::{Database, Plan};
use crate::error::Error;
use crate::output::Output;
use crate::package::Package;
use crate::private_file::write_private;

/// Lines of wrangler's output that an error shows.
const LINES_SHOWN: usize = 25;

/// The pinned wrangler with a deployment's configuration and account.
pub(crate) struct Wrangler<'a> {
    package: &'a Package,
    config: String,
    account: &'a str,
    folder: PathBuf,
}

impl<'a> Wrangler<'a> {
    pub(crate) fn new(package: &'a Package, folder: &'a Folder, cloudflare: &'a Cloudflare) -> Self {
        let config = folder.path.join("wrangler.toml").to_string_lossy().into_owned();
        Self { package, config, account: cloudflare.account(), folder: folder.path.clone() }
    }

    fn command(&self, arguments: &[&str]) -> Result<Command, Error> {
        let mut command = self.package.wrangler(arguments)?;
        command.args(["--config", &self.config]).env("CLOUDFLARE_ACCOUNT_ID", self.account);
        Ok(command)
    }

    /// Runs it to its end. Returns what it printed. Its last lines are the error's text.
    pub(crate) fn run(&self, arguments: &[&str], variables: &[(&str, &Path)]) -> Result<String, Error> {
        let mut command = self.command(arguments)?;
        let output = command.envs(variables.iter().copied()).output();
        let output = output.map_err(|error| Error::Failed(format!("could not start wrangler: {error}")))?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(printed);
        }
        let all = format!("{printed}{}", String::from_utf8_lossy(&output.stderr));
        let lines = all.trim_end().lines().collect::<Vec<_>>();
        let last = lines.get(lines.len().saturating_sub(LINES_SHOWN)..).unwrap_or_default().join("\n");
        Err(Error::Failed(format!("wrangler {} failed:\n{last}", arguments.join(" "))))
    }
}

/// Migrates the databases and deploys the Worker, if that is missing. Returns the Worker's address
/// if it was deployed and has one.
pub(crate) fn bring_up(
    plan: &Plan,
    wrangler: &Wrangler<'_>,
    keys: &mut Keys,
    output: Output,
) -> Result<Option<String>, Error> {
    migrate(plan, wrangler, output)?;
    if !plan.needs_upload() {
        return Ok(None);
    }
    output.note("Deploying the Worker …");
    let secrets = secrets(plan, keys)?;
    let file = SecretFile::write(wrangler.folder.join("secrets.json"), &secrets)?;
    let log = Temporary(wrangler.folder.join("deployed.ndjson"));
    let path = file.0.0.to_string_lossy();
    let mut arguments = vec!["deploy", "--tag", &plan.tag];
    if !secrets.is_empty() {
        arguments.extend(["--secrets-file", &path]);
    }
    wrangler.run(&arguments, &[("WRANGLER_OUTPUT_FILE_PATH", &log.0)])?;
    Ok(address(&fs::read_to_string(&log.0).unwrap_or_default()))
}

/// Migrates each database that lacks something. The Worker is only deployed if all have the schema
/// that it needs. The Worker that runs also works with the new one.
fn migrate(plan: &Plan, wrangler: &Wrangler<'_>, output: Output) -> Result<(), Error> {
    let lacks = |database: &&Database| !database.pending_migrations.is_empty();
    let databases = plan.databases.iter().filter(lacks).collect::<Vec<_>>();
    if databases.is_empty() {
        return Ok(());
    }
    output.note("Applying the migrations …");
    let apply = |database: &&Database| {
        let applied = wrangler.run(&["d1", "migrations", "apply", &database.name, "--remote"], &[]);
        applied.map_err(|error| Error::Failed(format!("{} ({}): {error}", database.binding, database.name)))
    };
    six_at_a_time(&databases, apply).map(drop).map_err(|error| {
        let again = "The Worker was not deployed. Run the same command again: it goes on with what is missing";
        Error::Failed(format!("migrations failed\n{error}\n{again}"))
    })
}

/// The missing secrets. They are stored before they are uploaded: nobody can read them later.
fn secrets(plan: &Plan, keys: &mut Keys) -> Result<Map<String, Value>, Error> {
    let mut secrets = Map::new();
    for &name in &plan.missing_secrets {
        let stored = match name {
            "OPERATOR_KEY" => &mut keys.profile.operator_key,
            _ => &mut keys.profile.secrets_key,
        };
        let value = match stored.take() {
            Some(value) => value,
            None => random()?,
        };
        *stored = Some(value.clone());
        secrets.insert(name.to_owned(), json!(value));
    }
    if !secrets.is_empty() {
        keys.save()?;
    }
    Ok(secrets)
}

/// 256 random bits.
fn random() -> Result<String, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::Failed(format!("no random numbers: {error}")))?;
    Ok(hex(&bytes))
}

/// The Worker's address in wrangler's report of a deployment.
fn address(report: &str) -> Option<String> {
    let mut entries = report.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let deployed = entries.rfind(|entry| text(entry, "type") == "deploy")?;
    let targets = deployed.get("targets")?.as_array()?.clone();
    let hosts = targets.iter().filter_map(Value::as_str).filter_map(|target| target.split_whitespace().next());
    // Others are routes, crons and queues.
    let host = hosts
        .map(|host| host.trim_start_matches("https://"))
        .find(|host| host.contains('.') && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-'))?;
    Some(format!("https://{host}"))
}

/// A file that exists only for one step.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A file with secrets for wrangler. A command line could be read by others.
struct SecretFile(Temporary);

impl SecretFile {
    fn write(path: PathBuf, secrets: &Map<String, Value>) -> Result<Self, Error> {
        write_private(&path, json!(secrets).to_string().as_bytes())
            .map_err(|error| Error::Failed(format!("could not write {}: {error}", path.display())))?;
        Ok(Self(Temporary(path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_deployment_is_its_first_target_that_is_a_host() {
        let report = concat!(
            r#"{"type":"wrangler-session","version":1}"#,
            "\n",
            r#"{"type":"deploy","targets":["schedule: * * * * *","a.example/api/* (zone name: a.example)","b.workers.dev"]}"#,
        );
        assert_eq!(address(report).as_deref(), Some("https://b.workers.dev"));
        assert_eq!(address(r#"{"type":"deploy","targets":["Producer for a queue"]}"#), None);
        assert_eq!(address(""), None);
    }
}
