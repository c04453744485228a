//! Stores a vendor server's events of one person or session through the server API.

use crate::domain::event::Row;
use crate::error::Error;
use crate::ingest::answer::IngestResult;
use crate::ingest::context::IngestContext;
use crate::ingest::owner::{OwnedEvents, OwnerLookup, PersonChange, resolve, store_for_owner};
use crate::ingest::plan_check;

/// The result of storing events of one person or session.
pub(crate) struct StoredForPerson {
    /// What became of each event.
    pub(crate) result: IngestResult,
    /// The person's profile, if they have one.
    pub(crate) profile: Option<String>,
}

/// Stores events like those of the server API, with the change of their person. → `None` after a
/// conflict about an identity key: then no event was stored.
pub(crate) async fn store_events(
    cx: &IngestContext,
    hash: &str,
    owner: OwnerLookup,
    rows: Vec<Row>,
    change: PersonChange<'_>,
) -> Result<Option<StoredForPerson>, Error> {
    let resolved = resolve(cx, hash, &owner.identifiers, owner.at).await?;
    let company = resolved.key.company.clone();
    let checked = plan_check::check_server_events(cx, &company, resolved.plan, &rows).await?;
    let events = OwnedEvents { owner: &owner, rows: &checked.rows, change };
    let stored = store_for_owner(cx, hash, resolved, events).await?;
    let new = stored.stored.new.len();
    cx.dispatch_later(&company, stored.stored.outbox);
    if stored.is_outdated {
        return Ok(None);
    }
    let result = IngestResult { new, rejected: checked.finish(cx, &company) };
    Ok(Some(StoredForPerson { result, profile: stored.profile }))
}
