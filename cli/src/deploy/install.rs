//! `trackmate deploy`: makes what is missing of a deployment, up to its first company.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::cloudflare::{Cloudflare, Place};
use super::company;
use super::folder::Folder;
use super::keys::Keys;
use super::plan::Plan;
use super::resources::make;
use super::upload::{Wrangler, bring_up};
use crate::config::Flags;
use crate::error::Error;
use crate::output::Output;
use crate::package::Package;

/// The options of `trackmate deploy`.
#[derive(Args)]
pub(crate) struct DeployOptions {
    /// Show what would be made, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// The folder of the deployment. Its wrangler.toml is yours to edit.
    #[arg(long, value_name = "FOLDER", default_value = "trackmate")]
    folder: PathBuf,
    /// Write a wrangler.toml that fits Cloudflare's free plan.
    #[arg(long)]
    free: bool,
    /// The name of the first company.
    #[arg(long, value_name = "NAME", default_value = "My company")]
    company: String,
    #[command(flatten)]
    place: Place,
}

/// Deploys TrackMate, or what of it is missing.
pub(crate) fn deploy(options: DeployOptions, flags: &Flags, output: Output) -> Result<(), Error> {
    let package = Package::installed()?;
    let folder = Folder::open(options.folder, &package, options.free)?;
    if options.free && !folder.is_new {
        output.note(&format!("--free changes nothing: {} exists, and is yours to edit", folder.source()));
    }
    let cloudflare = Cloudflare::connect(&package, folder.config.account_id.as_deref())?;
    let plan = Plan::survey(&cloudflare, &folder)?;
    if options.dry_run {
        let shown =
            json!({"success": true, "dryRun": true, "account": cloudflare.account(), "resources": plan.to_json()});
        let text = format!("In the account {}, with {}:\n{}", cloudflare.account(), folder.source(), plan.layout());
        return output.either(&shown, &text);
    }
    let mut keys = Keys::open(flags)?;
    keys.belong_to(&plan)?;
    if !plan.is_done() {
        output.note(&plan.layout());
    }
    make(&plan, &cloudflare, &folder, &options.place, output)?;
    let wrangler = Wrangler::new(&package, &folder, &cloudflare);
    let address = bring_up(&plan, &wrangler, &mut keys, output)?;
    // A stored address stays: it may be a domain of the user's.
    let Some(address) = flags.url().or_else(|| keys.profile.url.clone()).or(address) else {
        let fix = "pass --url with an address of its routes, then run this again to create the first company";
        return Err(Error::Failed(format!("the Worker is deployed, but its address is not known: {fix}")));
    };
    keys.profile.url = Some(address.trim_end_matches('/').to_owned());
    keys.save()?;
    let company = company::first(&mut keys, &options.company, output)?;
    report(&plan, &keys, company, output)
}

/// Shows the result. The keys of a new company are shown only here.
fn report(plan: &Plan, keys: &Keys, company: Option<Value>, output: Output) -> Result<(), Error> {
    let url = keys.profile.url.as_deref().unwrap_or_default();
    let file = keys.file.display();
    let changed = !plan.is_done() || company.is_some();
    let shown = json!({"success": true, "changed": changed, "url": url, "company": company, "keys": keys.file});
    let mut text = match (&company, changed) {
        (Some(company), _) => company::layout(company),
        (None, true) => String::new(),
        (None, false) => "Nothing was changed: everything is there.\n".to_owned(),
    };
    text.push_str(&format!(
        "TrackMate runs at {url}\nDashboard: {url}/dashboard/\nKeys are in {file}, readable only by you."
    ));
    output.either(&shown, &text)
}
