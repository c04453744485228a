//! `trackmate`, the command-line manager: a company's webhooks, exports and what comes in, and what a developer of a receiver needs on their own machine.
//!
//! It talks to the public API and knows nothing the API does not say. `listen`, `verify`, `sign` and `completions` need no server.
//!
//! To add a command: 1. its options and its work in a file of its own; 2. a variant of `Command` and its line in `run`;
//! 3. a scenario in `tests/cli.test.mjs`.

mod api;
mod audit;
mod config;
mod error;
mod exports;
mod listen;
mod output;
mod plan;
mod receipts;
mod signatures;
mod webhooks;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::error::Error;
use crate::output::Output;

const AFTER_HELP: &str = "\
Address and admin key come from, in this order:
  --url and --key; TRACKMATE_URL and TRACKMATE_ADMIN_KEY;
  ~/.config/trackmate/config.json, else ./.trackmate/dev.json (written by `make dev`): {\"url\":\"…\",\"adminKey\":\"…\"}
A key on the command line can be read by other users of the machine: prefer the environment or the file.

Exit codes: 0 done, 1 it failed (a test delivery was not taken, a signature is wrong), 2 usage, 3 not authorised,
  4 not found, 5 TrackMate cannot be reached.";

/// Manage TrackMate's webhooks, watch what comes in, export its data, and receive, verify and sign deliveries on this machine.
#[derive(Parser)]
#[command(version, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    flags: config::Flags,
    /// Print JSON instead of text: the API's own answer where there is one.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A company's webhooks and their deliveries.
    #[command(subcommand)]
    Webhooks(webhooks::Command),
    /// Save a company's users or events in a file. Verified, and resumable.
    Export(exports::Download),
    /// List the exports there were, newest first.
    Exports(exports::Listed),
    /// List what admins did, newest first.
    Audit(audit::Listed),
    /// The tracking plan: which events there are, and of what form.
    #[command(subcommand)]
    Plan(plan::Command),
    /// Watch what comes in, as it comes in.
    Tail(receipts::tail::Options),
    /// Say what became of an event: where it came in, whose it is and why, each attempt to deliver it.
    Receipt(receipts::Asked),
    /// List what was rejected, newest first, and why.
    Rejected(receipts::Listed),
    /// Receive deliveries on this machine, show them and, with a secret, verify them.
    Listen(listen::Options),
    /// Say whether a signature is right for a body.
    Verify(signatures::VerifyOptions),
    /// Make the signature headers of a body.
    Sign(signatures::SignOptions),
    /// Print the completions for a shell.
    Completions {
        /// The shell to complete in.
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    let Cli { flags, json, command } = Cli::parse();
    let output = Output { json };
    match run(command, flags, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: Command, flags: config::Flags, output: Output) -> Result<(), Error> {
    match command {
        Command::Webhooks(command) => webhooks::run(command, &api::Api::new(config::connection(flags)?), output),
        Command::Export(wanted) => exports::download(&wanted, &api::Api::new(config::connection(flags)?), output),
        Command::Exports(wanted) => exports::list(&wanted, &api::Api::new(config::connection(flags)?), output),
        Command::Audit(wanted) => audit::list(&wanted, &api::Api::new(config::connection(flags)?), output),
        Command::Plan(command) => plan::run(command, &api::Api::new(config::connection(flags)?), output),
        Command::Tail(options) => receipts::tail::run(&options, &api::Api::new(config::connection(flags)?), output),
        Command::Receipt(asked) => receipts::receipt(&asked, &api::Api::new(config::connection(flags)?), output),
        Command::Rejected(wanted) => receipts::rejected(&wanted, &api::Api::new(config::connection(flags)?), output),
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
