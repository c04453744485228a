//! Stores a server's events in one round trip, if the isolate knows the key and somebody has the
//! identifiers. The batch checks the key and finds the person itself (`store::server_batch`). If
//! the isolate expected something wrong, the batch stores nothing, and its answer is what
//! `owner::resolve` reads.

use trackmate_wire::ids::SERVER_SESSION_PREFIX;

use crate::delivery::dispatch;
use crate::domain::event::Row;
use crate::error::Error;
use crate::ingest::context::IngestContext;
use crate::ingest::known_keys::{self, KnownKey};
use crate::ingest::owner::{OwnerLookup, StoredEvents, accept, resolve};
use crate::ingest::plan_check::{self, CheckedBatch};
use crate::runtime::random;
use crate::store::people::{Identifiers, Resolved};
use crate::store::request::IngestRequest;
use crate::store::server_batch::{self, KeyedOwner};

/// Events that are stored.
pub(crate) struct StoredBatch<'a> {
    pub(crate) company: String,
    /// The events after the check of the plan.
    pub(crate) checked: CheckedBatch<'a>,
    pub(crate) events: StoredEvents,
}

/// The result of the first round trip.
pub(crate) enum FirstTrip<'a> {
    /// The events are stored.
    Stored(StoredBatch<'a>),
    /// Nothing was stored. The plan in force was checked.
    Resolved(Resolved, CheckedBatch<'a>),
}

/// Stores events and resolves their owner in one round trip, or only resolves the owner. It stores
/// only if `may_store` the events of the expected company after the check of its plan.
///
/// # Errors
/// `invalid_key`, `wrong_scope`; D1's.
pub(crate) async fn store_or_resolve<'a>(
    cx: &IngestContext,
    hash: &str,
    owner: &OwnerLookup,
    rows: &'a [Row],
    may_store: &dyn Fn(&str, &CheckedBatch<'_>) -> bool,
) -> Result<FirstTrip<'a>, Error> {
    let OwnerLookup { identifiers, at, sent_ms } = owner;
    let mut resolved = None;
    if let Some(key) = known_keys::find(hash).filter(|_| !is_server_session(identifiers)) {
        let KnownKey { company, plan } = &*key;
        let checked = plan_check::check_server_events(cx, company, *plan, rows).await?;
        if !checked.rows.is_empty() && may_store(company, &checked) {
            let request = IngestRequest {
                sent_ms: *sent_ms,
                plan: Some(*plan),
                marker: random::number(),
                ..IngestRequest::of_server(company, cx.now_ms(), dispatch::lease_budget(cx, company))
            };
            let keyed = KeyedOwner { key_hash: hash, identifiers, at: *at };
            let (found, stored) = server_batch::store(cx.db(company)?, &request, &checked.rows, keyed).await?;
            let found = accept(cx, found, hash)?;
            if !stored.new.is_empty() {
                let events = StoredEvents::of(cx, &checked.rows, stored, &found, identifiers)?;
                return Ok(FirstTrip::Stored(StoredBatch { company: company.clone(), checked, events }));
            }
            resolved = Some(found);
        }
    }
    let resolved = match resolved {
        Some(resolved) => resolved,
        None => resolve(cx, hash, identifiers, *at).await?,
    };
    let checked = plan_check::check_server_events(cx, &resolved.key.company, resolved.plan, rows).await?;
    Ok(FirstTrip::Resolved(resolved, checked))
}

/// Whether the owner is found by a server session, which must have a person.
fn is_server_session(identifiers: &Identifiers) -> bool {
    identifiers.session.as_ref().is_some_and(|id| id.starts_with(SERVER_SESSION_PREFIX))
}
