//! `trackmate`, the command-line manager: a company's webhooks, exports and events, and local tools
//! for developers of receivers.
//!
//! It uses only the public API. `listen`, `verify`, `sign` and `completions` need no server.
//!
//! To add a command: 1. put its options and its code into a file of its own; 2. add a variant to
//! `Command` and its line to `run`; 3. add a scenario to `tests/cli.test.mjs`.

mod api;
mod audit;
mod backup;
mod cells;
mod companies;
mod config;
mod deploy;
mod error;
mod exports;
mod listen;
mod login;
mod mcp;
mod moves;
mod output;
mod package;
mod plan;
mod private_file;
mod profile;
mod receipts;
mod signatures;
mod time;
mod webhooks;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::api::Api;
use crate::error::Error;
use crate::output::Output;

const AFTER_HELP: &str = "\
Address and admin key are read from, in this order:
  --url and --key; TRACKMATE_URL and TRACKMATE_ADMIN_KEY;
  ~/.config/trackmate/config.json ($XDG_CONFIG_HOME; on Windows in %APPDATA%), else ./.trackmate/dev.json
  (written by `trackmate dev`):
  {\"url\":\"…\",\"adminKey\":\"…\",\"profiles\":{\"NAME\":{\"url\":\"…\",\"adminKey\":\"…\"}}}
Other users of the machine can read a key on the command line: prefer the environment or the file.

Exit codes: 0 success, 1 failure (a test delivery was not accepted, a signature is wrong), 2 usage, 3 not authorised,
  4 not found, 5 TrackMate cannot be reached.";

/// Manage TrackMate's webhooks, watch events, export data, and receive, verify and sign deliveries
/// on this machine.
#[derive(Parser)]
#[command(name = "trackmate", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    flags: config::Flags,
    /// Print JSON instead of text: the API's own answer, if there is one.
    #[arg(long, global = true)]
    json: bool,
    /// Answer yes to every question, such as whether to remove a webhook.
    #[arg(short, long, global = true)]
    yes: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run TrackMate on this machine, with a demo company and a shop.
    Dev(package::DevOptions),
    /// Run TrackMate on your own machine, for others to use.
    Serve(package::ServeOptions),
    /// Deploy TrackMate to Cloudflare, or what of it is missing. Safe to repeat.
    Deploy(deploy::DeployOptions),
    /// Bring a deployment to this version: migrations, Worker, and a check that it runs.
    Upgrade(deploy::UpgradeOptions),
    /// Check a deployment. Each problem is shown with its fix.
    Doctor(deploy::FolderOption),
    /// List and manage the cells: the databases of a deployment. With the operator key.
    Cells(cells::Options),
    /// List, create and move companies. With the operator key.
    Companies(companies::Options),
    /// Store a company's address (--url) and admin key in the configuration file. Without --key,
    /// reads the key from standard input.
    Login,
    /// Show the company of the key.
    Whoami,
    /// Manage webhooks and their deliveries.
    #[command(subcommand)]
    Webhooks(webhooks::Command),
    /// Export users or events to a file. The file is verified; a broken download can be resumed.
    Export(exports::ExportOptions),
    /// List past exports, newest first.
    Exports(exports::ListOptions),
    /// List changes and exports by admins, newest first.
    Audit(audit::AuditOptions),
    /// Write a backup of all companies, or of one, with the operator key. A broken one goes on.
    Backup(backup::BackupOptions),
    /// Restore a backup into an empty deployment.
    Restore(backup::RestoreOptions),
    /// Manage the tracking plan: the allowed events and their schemas.
    #[command(subcommand)]
    Plan(plan::Command),
    /// Watch events as they arrive.
    Tail(receipts::tail::Options),
    /// Show what happened to one event: its source, its person, and each delivery attempt.
    Receipt(receipts::ReceiptOptions),
    /// List rejected events and the reasons, newest first.
    Rejected(receipts::RejectedOptions),
    /// Serve the API's reads as tools of the Model Context Protocol, on standard input and output.
    Mcp,
    /// Receive and show deliveries on this machine. Verifies them if a secret is given.
    Listen(listen::Options),
    /// Verify a signature for a body.
    Verify(signatures::VerifyOptions),
    /// Create the signature headers for a body.
    Sign(signatures::SignOptions),
    /// Print the completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    let Cli { flags, json, yes, command } = Cli::parse();
    let output = Output { json, yes };
    match run(command, flags, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: Command, flags: config::Flags, output: Output) -> Result<(), Error> {
    let api = |flags| Ok::<_, Error>(Api::new(config::connection(flags)?));
    match command {
        Command::Dev(options) => package::dev(options),
        Command::Serve(options) => package::serve(options),
        Command::Deploy(options) => deploy::deploy(options, &flags, output),
        Command::Upgrade(options) => deploy::upgrade(options, &flags, output),
        Command::Doctor(options) => deploy::doctor(options, &flags, output),
        Command::Cells(options) => cells::run(options, &flags, output),
        Command::Companies(options) => companies::run(options, &flags, output),
        Command::Login => login::login(flags, output),
        Command::Whoami => login::whoami(flags, output),
        Command::Webhooks(command) => webhooks::run(command, &api(flags)?, output),
        Command::Export(options) => exports::download(&options, &api(flags)?, output),
        Command::Exports(options) => exports::list(&options, &api(flags)?, output),
        Command::Audit(options) => audit::list(&options, &api(flags)?, output),
        Command::Backup(options) => backup::backup(&options, &flags, output),
        Command::Restore(options) => backup::restore(&options, &flags, output),
        Command::Plan(command) => plan::run(command, &api(flags)?, output),
        Command::Tail(options) => receipts::tail::run(&options, &api(flags)?, output),
        Command::Receipt(options) => receipts::receipt(&options, &api(flags)?, output),
        Command::Rejected(options) => receipts::rejected(&options, &api(flags)?, output),
        Command::Mcp => mcp::run(&api(flags)?, output),
        Command::Listen(options) => listen::run(options, output),
        Command::Verify(options) => signatures::verify(&options, output),
        Command::Sign(options) => signatures::sign(options, output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "trackmate", &mut script);
            output.bytes(&script)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }
}
