//! `trackmate webhooks …`: its commands and their functions.

mod deliveries;
pub(crate) mod layout;
mod options;
pub(crate) mod parse;
mod subscriptions;

use clap::Subcommand;

use self::options::{Add, DeliveriesOptions, Recover};
use crate::api::Api;
use crate::error::Error;
use crate::output::Output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add a webhook. Its secret is shown only once.
    Add(Add),
    /// List the webhooks.
    List,
    /// Send a test delivery. Fails if the receiver does not accept it.
    Test {
        /// The webhook's id or URL.
        #[arg(value_name = "URL-OR-ID")]
        target: String,
    },
    /// Remove a webhook.
    Remove {
        #[arg(value_parser = parse::id)]
        id: String,
    },
    /// Show delivery counts per webhook.
    Stats,
    /// Switch a webhook on. Without an id, switches all webhooks on.
    Enable {
        #[arg(value_parser = parse::id)]
        id: Option<String>,
        /// Dismiss held deliveries instead of sending them.
        #[arg(long, requires = "id")]
        dismiss_held: bool,
    },
    /// Switch a webhook off. Without an id, switches all webhooks off. Deliveries are held
    /// meanwhile.
    Disable {
        #[arg(value_parser = parse::id)]
        id: Option<String>,
    },
    /// Replace a webhook's secret. The new one is shown only once. During the grace period both
    /// secrets sign.
    Rotate {
        #[arg(value_parser = parse::id)]
        id: String,
        /// Hours during which the old secret also signs.
        #[arg(long, value_name = "N", default_value_t = 24)]
        grace_hours: u32,
    },
    /// List the deliveries of a webhook, newest first.
    Deliveries(DeliveriesOptions),
    /// Resend the failed deliveries of a period. Safe to repeat.
    Recover(Recover),
    /// Resend one delivery.
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
        Command::Deliveries(options) => deliveries::list(&options, api, output),
        Command::Recover(options) => deliveries::recover(&options, api, output),
        Command::Resend { id, delivery } => deliveries::resend(&id, &delivery, api, output),
    }
}
