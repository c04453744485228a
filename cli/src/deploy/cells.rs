//! `trackmate cells add`: creates a database, binds it to the Worker, migrates it and deploys. Each
//! run makes only what is missing.

use clap::Args;
use serde_json::json;

use super::cloudflare::{Cloudflare, Place};
use super::edit::{Cell, with_cell};
use super::folder::{Folder, FolderOption};
use super::keys::Keys;
use super::plan::{Database, Plan};
use super::resources::make;
use super::upload::{Wrangler, bring_up};
use crate::config::Flags;
use crate::error::Error;
use crate::output::Output;
use crate::package::Package;

/// The options of `trackmate cells add`.
#[derive(Args)]
pub(crate) struct AddOptions {
    /// Small letters, digits and hyphens: `eu-1` is the binding CELL_EU_1.
    name: String,
    #[command(flatten)]
    folder: FolderOption,
    #[command(flatten)]
    place: Place,
}

/// Adds a cell to a deployment.
pub(crate) fn add(options: AddOptions, flags: &Flags, output: Output) -> Result<(), Error> {
    let package = Package::installed()?;
    let mut folder = Folder::open(options.folder.folder, &package, false)?;
    let cell = Cell::new(&options.name, options.place, &folder.config)?;
    let cloudflare = Cloudflare::connect(&package, folder.config.account_id.as_deref())?;
    let before = Plan::survey(&cloudflare, &folder)?;
    let is_other = |database: &&Database| database.binding != cell.binding;
    if folder.is_new || before.version.is_none() {
        return Err(Error::Usage("nothing is deployed yet: run `trackmate deploy`".into()));
    }
    if before.databases.iter().filter(is_other).any(|database| !database.pending_migrations.is_empty()) {
        return Err(Error::Usage("the deployment lacks migrations: run `trackmate upgrade` first".into()));
    }
    match before.databases.iter().find(|database| database.binding == cell.binding) {
        Some(database) if database.found.is_some() => same(database, &cell)?,
        bound => {
            if bound.is_none() {
                unused(&cloudflare, &cell)?;
            }
            let text = with_cell(&folder.text, &folder.config, &cell)?;
            folder.replace(text)?;
            output.note(&format!("{} is in {}", cell.binding, folder.source()));
        }
    }
    let plan = Plan::survey(&cloudflare, &folder)?;
    let mut keys = Keys::open(flags)?;
    make(&plan, &cloudflare, &folder, &Place::default(), output)?;
    bring_up(&plan, &Wrangler::new(&package, &folder, &cloudflare), &mut keys, output)?;
    let Cell { binding, database, place: Place { location, jurisdiction } } = &cell;
    let shown = json!({
        "success": true, "changed": !plan.is_done(), "cell": binding, "database": database,
        "jurisdiction": jurisdiction, "region": location,
    });
    let done = if plan.is_done() { "Nothing was changed: the cell is there." } else { "The cell is deployed." };
    let next = "`trackmate cells` lists it after the next sweep. It is ready for moves 15 minutes later";
    output.either(&shown, &format!("{done}\n{binding} is the database {database}.\n{next} (docs/cells.md)."))
}

/// A cell that exists is not changed: a database cannot be moved.
fn same(database: &Database, cell: &Cell) -> Result<(), Error> {
    if database.place == cell.place && database.name == cell.database {
        return Ok(());
    }
    let Place { location, jurisdiction } = &database.place;
    let place = format!(
        "jurisdiction {}, region {}",
        jurisdiction.as_deref().unwrap_or("none"),
        location.as_deref().unwrap_or("none")
    );
    let (binding, name) = (&database.binding, &database.name);
    Err(Error::Usage(format!(
        "{binding} exists: the database {name} ({place}). A database cannot be moved: choose another name"
    )))
}

/// A database of this name that is not of this deployment is not taken: nobody knows what it has.
fn unused(cloudflare: &Cloudflare, cell: &Cell) -> Result<(), Error> {
    match cloudflare.database(&cell.database)? {
        None => Ok(()),
        Some(_) => Err(Error::Failed(format!(
            "the account has a database {} that is not bound: choose another name, or delete it",
            cell.database
        ))),
    }
}
