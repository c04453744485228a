//! `trackmate webhooks …`: its commands, and which function does each.

mod deliveries;
pub(crate) mod layout;
mod model;
mod options;
pub(crate) mod parse;
mod subscriptions;

use clap::Subcommand;

use self::options::{Add, Listed, Recover};
use crate::api::Api;
use crate::error::Error;
use crate::output::Output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add a webhook. Its secret is shown this once.
    Add(Add),
    /// List the webhooks.
    List,
    /// Send a test delivery; fails if the receiver does not take it.
    Test {
        /// The webhook's id, or its URL.
        #[arg(value_name = "URL-OR-ID")]
        target: String,
    },
    /// Remove a webhook.
    Remove {
        #[arg(value_parser = parse::id)]
        id: String,
    },
    /// What became of the deliveries, per webhook.
    Stats,
    /// Switch one webhook on, or without an id all of the company's.
    Enable {
        #[arg(value_parser = parse::id)]
        id: Option<String>,
        /// Dismiss what was held meanwhile instead of sending it.
        #[arg(long, requires = "id")]
        dismiss_held: bool,
    },
    /// Switch one webhook off, or without an id all of the company's. What comes meanwhile is held.
    Disable {
        #[arg(value_parser = parse::id)]
        id: Option<String>,
    },
    /// Give a webhook a new secret, shown this once. Until the grace ends, deliveries carry the signatures of both.
    Rotate {
        #[arg(value_parser = parse::id)]
        id: String,
        /// Hours that the old secret goes on signing beside the new one.
        #[arg(long, value_name = "N", default_value_t = 24)]
        grace_hours: u32,
    },
    /// The deliveries of a webhook, newest first.
    Deliveries(Listed),
    /// Send again what was not delivered in a span of time. Safe to repeat.
    Recover(Recover),
    /// Send one delivery again.
    Resend {
        #[arg(value_parser = parse::id)]
        id: String,
        #[arg(value_parser = parse::id)]
        delivery: String,
    },
}

pub(crate) fn run(command: Command, api: &Api, output: Output) -> Result<(), Error> {
    match command {
        Command::Add(add) => subscriptions::add(&add, api, output),
        Command::List => subscriptions::list(api, output),
        Command::Test { target } => subscriptions::test(&target, api, output),
        Command::Remove { id } => subscriptions::remove(&id, api, output),
        Command::Stats => subscriptions::stats(api, output),
        Command::Enable { id: Some(id), dismiss_held } => subscriptions::enable(&id, dismiss_held, api, output),
        Command::Disable { id: Some(id) } => subscriptions::disable(&id, api, output),
        Command::Enable { id: None, .. } => subscriptions::switch_all(true, api, output),
        Command::Disable { id: None } => subscriptions::switch_all(false, api, output),
        Command::Rotate { id, grace_hours } => subscriptions::rotate(&id, grace_hours, api, output),
        Command::Deliveries(wanted) => deliveries::list(&wanted, api, output),
        Command::Recover(wanted) => deliveries::recover(&wanted, api, output),
        Command::Resend { id, delivery } => deliveries::resend(&id, &delivery, api, output),
    }
}
