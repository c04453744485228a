//! `insert into events`, and which events of a request are new.
//!
//! Of a few events the database returns the message ids. Of many it returns only their number,
//! because to return an id takes a good part of the time that its event takes. Mostly all are new,
//! or none is. If some are, because a client sent them again with others, another round trip reads
//! their ids.

use serde::Deserialize;
use trackmate_wire::limits::IDS_RETURNED_MAX;

use super::request::IngestRequest;
use super::{Answers, Batch, Bound, Db, Result, Slot, sql};
use crate::domain::event::Row;
use crate::domain::origin::fitting;

#[derive(Deserialize)]
pub(super) struct MessageId {
    message_id: String,
}

/// Conditions for storing events, besides the company's acceptance of the request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Guard<'a> {
    /// This identity key must still lead to the profile.
    pub(super) identity_key: Option<&'a str>,
    /// This profile must not be erased.
    pub(super) profile: Option<&'a str>,
    /// No tombstone may have this hash.
    pub(super) hash: Option<&'a str>,
    /// The people to whom two lookup keys must lead: [`super::identity_keys::KeyGrant::guard`].
    pub(super) keys: Option<&'a str>,
}

/// `insert into events`, with `sql::EVENTS_INSERT` or `sql::EVENTS_INSERT_MANY`. `rows` is JSON.
pub(super) fn insert(
    db: &Db,
    statement: &'static str,
    request: &IngestRequest<'_>,
    (rows, guard): (&str, Guard<'_>),
) -> Result<Bound> {
    let origin = request.origin.map(fitting);
    db.bind(
        statement,
        &[
            rows.into(),
            request.company.into(),
            request.source.into(),
            request.session.into(),
            request.marker.into(),
            request.sent_ms.into(),
            request.received_ms.into(),
            request.context.into(),
            origin.as_deref().into(),
            guard.identity_key.into(),
            guard.profile.into(),
            guard.hash.into(),
            request.unproved.then_some(1).into(),
            request.bot.then_some(1).into(),
            request.plan.into(),
            request.identify_hash.into(),
            guard.keys.into(),
        ],
    )
}

pub(super) fn message_ids(answers: &Answers, slot: &Slot<MessageId>) -> Result<Vec<String>> {
    Ok(answers.rows_as_text(slot)?.into_iter().map(|r| r.message_id).collect())
}

#[derive(Deserialize)]
pub(super) struct Number {
    stored: usize,
}

/// The slot for what the database says of the new events.
pub(super) enum NewEvents {
    /// Their ids.
    Ids(Slot<MessageId>),
    /// How many they are.
    Number(Slot<Number>),
}

impl NewEvents {
    /// Adds the statement that stores the events. `links.count.sql` follows it.
    pub(super) fn store(
        db: &Db,
        batch: &mut Batch,
        request: &IngestRequest<'_>,
        (rows, json): (&[Row], &str),
    ) -> Result<Self> {
        if rows.len() <= IDS_RETURNED_MAX {
            return Ok(Self::Ids(batch.read(insert(db, sql::EVENTS_INSERT, request, (json, Guard::default()))?)));
        }
        batch.write(insert(db, sql::EVENTS_INSERT_MANY, request, (json, Guard::default()))?);
        Ok(Self::Number(batch.read(db.bind(sql::EVENTS_NUMBER, &[])?)))
    }

    /// The message ids of the new events. `ids` are those of all, as JSON.
    pub(super) async fn ids(
        self,
        db: &Db,
        answers: &Answers,
        request: &IngestRequest<'_>,
        (rows, ids): (&[Row], &str),
    ) -> Result<Vec<String>> {
        let number = match &self {
            Self::Ids(slot) => return message_ids(answers, slot),
            Self::Number(slot) => answers.first(slot)?.map_or(0, |Number { stored }| stored),
        };
        if number == 0 {
            return Ok(Vec::new());
        }
        if number == rows.len() {
            return Ok(rows.iter().map(|row| row.id.clone()).collect());
        }
        let stored = [request.company.into(), request.source.into(), ids.into(), request.marker.into()];
        let stored = db.run(sql::EVENTS_STORED, &stored).await?.rows_as_text::<MessageId>()?;
        Ok(stored.into_iter().map(|event| event.message_id).collect())
    }
}
