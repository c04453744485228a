//! What must exist before wrangler runs.

use super::cloudflare::{Cloudflare, Place};
use super::folder::Folder;
use super::plan::Plan;
use crate::error::Error;
use crate::output::Output;

/// Makes the folder, the database and the queues. wrangler needs them.
pub(super) fn make(
    plan: &Plan,
    cloudflare: &Cloudflare,
    folder: &Folder,
    place: &Place,
    output: Output,
) -> Result<(), Error> {
    if folder.is_new || !plan.is_done() {
        folder.write()?;
    }
    if plan.database.is_none() {
        cloudflare.create_database(folder.config.database()?, place)?;
        output.note("Created the database");
    }
    for queue in &plan.missing_queues {
        cloudflare.create_queue(queue)?;
        output.note(&format!("Created the queue {queue}"));
    }
    Ok(())
}
