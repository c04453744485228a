//! Stores a vendor server's events of one person or session through the server API.

use crate::domain::event::Row;
use crate::error::Error;
use crate::ingest::context::IngestContext;
use crate::ingest::owner::{OwnerLookup, PersonChange, resolve, store_for_owner};
use crate::ingest::plan_check;
use crate::ingest::receipt::IngestResult;
use crate::store::people::Identifiers;

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
    sent_ms: Option<i64>,
    who: Identifiers,
    rows: Vec<Row>,
    change: PersonChange<'_>,
) -> Result<Option<StoredForPerson>, Error> {
    let at = rows.first().map_or(0, |row| row.ts);
    let resolved = resolve(cx, hash, &who, at).await?;
    let company = resolved.key.company.clone();
    let checked = plan_check::server(cx, &company, resolved.plan, &rows).await?;
    let stored =
        store_for_owner(cx, hash, resolved, &OwnerLookup { identifiers: who, at, sent_ms }, &checked.rows, change)
            .await?;
    let new = stored.stored.new.len();
    cx.emitted(&company, stored.stored.outbox);
    if stored.is_outdated {
        return Ok(None);
    }
    let result = IngestResult { new, rejected: checked.finish(cx, &company) };
    Ok(Some(StoredForPerson { result, profile: stored.profile }))
}
