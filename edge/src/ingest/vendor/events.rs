//! Events of one person or session, stored as a server's own are.

use crate::domain::event::Row;
use crate::error::Error;
use crate::ingest::context::IngestContext;
use crate::ingest::owner::{About, Says, resolve, store_for_owner};
use crate::ingest::plan_check;
use crate::ingest::receipt::IngestResult;
use crate::store::people::Identifiers;

/// What came of events of one person or session.
pub(crate) struct Kept {
    /// What came of each.
    pub(crate) result: IngestResult,
    /// Whose they are.
    pub(crate) profile: Option<String>,
}

/// Stores events through the server door, and gives their person a second key, if they do; `None`
/// if what was read of the two keys holds no longer.
pub(crate) async fn keep(
    cx: &IngestContext,
    hash: &str,
    sent_ms: Option<i64>,
    who: Identifiers,
    rows: Vec<Row>,
    says: Says<'_>,
) -> Result<Option<Kept>, Error> {
    let at = rows.first().map_or(0, |row| row.ts);
    let resolved = resolve(cx, hash, &who, at).await?;
    let company = resolved.key.company.clone();
    let fitting = plan_check::server(cx, &company, resolved.plan, &rows).await?;
    let kept = store_for_owner(cx, hash, resolved, &About { who, at, sent_ms }, &fitting.rows, says).await?;
    let new = kept.stored.new.len();
    cx.emitted(&company, kept.stored.outbox);
    if kept.is_outdated {
        return Ok(None);
    }
    let result = IngestResult { new, rejected: fitting.settle(cx, &company) };
    Ok(Some(Kept { result, profile: kept.profile }))
}
