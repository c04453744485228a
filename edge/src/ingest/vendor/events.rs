//! Stores a vendor server's events of one person or session through the server API.

use crate::domain::event::Row;
use crate::error::Error;
use crate::ingest::answer::IngestResult;
use crate::ingest::context::IngestContext;
use crate::ingest::one_trip::{FirstTrip, StoredBatch, store_or_resolve};
use crate::ingest::owner::{OwnedEvents, OwnerLookup, PersonChange, store_for_owner};
use crate::ingest::plan_check::CheckedBatch;

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
    let may_store = |_: &str, _: &CheckedBatch<'_>| change.grant.is_none();
    let batch = match store_or_resolve(cx, hash, &owner, &rows, &may_store).await? {
        FirstTrip::Stored(stored) => stored,
        FirstTrip::Resolved(resolved, checked) => {
            let company = resolved.key.company.clone();
            let events = OwnedEvents { owner: &owner, rows: &checked.rows, change };
            let events = store_for_owner(cx, hash, resolved, events).await?;
            StoredBatch { company, checked, events }
        }
    };
    let StoredBatch { company, checked, events } = batch;
    let new = events.stored.new.len();
    cx.dispatch_later(&company, events.stored.outbox);
    if events.is_outdated {
        return Ok(None);
    }
    let result = IngestResult { new, rejected: checked.finish(cx, &company) };
    Ok(Some(StoredForPerson { result, profile: events.profile }))
}
