//! Stores a server's events in the batch that checks their key and finds their person: one round
//! trip for a person who is known. [`super::ingest::server`] stores the others.

use super::ingest::{Stored, count, json};
use super::new_events::message_ids;
use super::people::{Identifiers, Resolved, resolve_statement};
use super::request::IngestRequest;
use super::{Batch, Db, Result, catalog, groups, outbox, records, sql};
use crate::domain::event::Row;

/// How the batch finds the key, and the person of the events.
#[derive(Debug, Clone, Copy)]
pub struct KeyedOwner<'a> {
    /// The hash of the key.
    pub key_hash: &'a str,
    /// The identifiers of the person.
    pub identifiers: &'a Identifiers,
    /// The `ts` at which the owner of a session is looked up.
    pub at: i64,
}

impl KeyedOwner<'_> {
    /// The session of the events: `Some("")` for events of nobody, `None` for the server session of
    /// the person whom the batch finds.
    fn session(&self) -> Option<&str> {
        match self.identifiers {
            Identifiers { user: None, identity_key: None, session, .. } => Some(session.as_deref().unwrap_or_default()),
            Identifiers { .. } => None,
        }
    }
}

/// Stores events whose plan was checked as `request.plan`. → What was read of the key and the
/// people, and what was stored. Nothing is stored if the key or the plan is no longer the expected
/// one, or if nobody is found.
///
/// # Errors
/// D1's; nothing was stored then.
pub async fn store(
    db: &Db,
    request: &IngestRequest<'_>,
    rows: &[Row],
    owner: KeyedOwner<'_>,
) -> Result<(Option<Resolved>, Stored)> {
    let (json, ids) = json(rows)?;
    let session = owner.session();
    let request = IngestRequest { session: session.unwrap_or_default(), finds_session: session.is_none(), ..*request };
    let mut rest = records::merge(db, &request, rows)?;
    rest.extend(groups::merge(db, &request, rows)?);
    records::mark(db, &request, &ids, &mut rest)?;
    rest.extend(catalog::note(db, &request, rows)?);

    let mut batch = Batch::default();
    let resolve = resolve_statement(db, owner.key_hash, owner.identifiers, owner.at, request.received_ms)?;
    let resolved = batch.read::<Resolved>(resolve);
    let identity_key = owner.identifiers.identity_key.as_ref().filter(|_| owner.identifiers.user.is_none());
    let insert = [
        (&json).into(),
        request.company.into(),
        owner.key_hash.into(),
        request.plan.into(),
        request.marker.into(),
        request.sent_ms.into(),
        request.received_ms.into(),
        session.into(),
        identity_key.into(),
        owner.identifiers.user.as_ref().into(),
    ];
    let new = batch.read(db.bind(sql::EVENTS_INSERT_WITH_KEY, &insert)?);
    if request.has_session() {
        batch.write(count(db, &request, &ids, None)?);
    }
    let outbox = outbox::of_events(db, &mut batch, &request, &ids, None)?;
    batch.write_all(rest);

    let answers = db.run_batch(batch).await?;
    let resolved = answers.rows_as_text(&resolved)?.into_iter().next();
    let new = message_ids(&answers, &new)?;
    catalog::noted(&request, rows, &new);
    let found = resolved.as_ref().and_then(|resolved| resolved.server_session(owner.identifiers));
    let request = IngestRequest { session: session.or(found).unwrap_or_default(), ..request };
    let outbox = outbox::of_events_answer(&answers, &outbox, &request, rows)?;
    Ok((resolved, Stored { new, outbox }))
}
