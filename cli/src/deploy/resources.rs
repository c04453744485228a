//! What must exist before wrangler runs.

use super::cloudflare::{Cloudflare, Place};
use super::folder::Folder;
use super::plan::{Database, Plan};
use crate::error::Error;
use crate::output::Output;

/// Makes the folder, the databases and the queues. wrangler needs them.
pub(super) fn make(
    plan: &Plan,
    cloudflare: &Cloudflare,
    folder: &Folder,
    place: &Place,
    output: Output,
) -> Result<(), Error> {
    if let Some(misplaced) = plan.databases.iter().find_map(Database::misplaced) {
        return Err(Error::Failed(format!("{misplaced}. Nothing was changed")));
    }
    if folder.is_new || !plan.is_done() {
        folder.write()?;
    }
    for database in plan.databases.iter().filter(|database| database.found.is_none()) {
        let place = if database.is_first() { place } else { &database.place };
        cloudflare.create_database(&database.name, place)?;
        output.note(&format!("Created the database {}", database.name));
    }
    for queue in &plan.missing_queues {
        cloudflare.create_queue(queue, folder.config.jurisdiction(queue).as_deref())?;
        output.note(&format!("Created the queue {queue}"));
    }
    Ok(())
}
