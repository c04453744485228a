//! The outbox: the rows of `deliveries` that a batch writes for the events it stores, and the next
//! step of each.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use trackmate_wire::limits::LEASE_MS;

use super::deliveries::{DeliveredEvent, DeliveryKey, Leased};
use super::request::IngestRequest;
use super::{Answers, Batch, ChangeStamp, Db, Param, Result, Slot, sql};
use crate::domain::event::Row;
use crate::domain::source::Source;

/// New deliveries by their next step.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Leased to this invocation.
    pub leased: Vec<Leased>,
    /// To be woken by a queue message.
    pub pending: Vec<DeliveryKey>,
    /// Subscriptions with held deliveries and a free throttle slot.
    pub free_slots: Vec<String>,
}

impl Outbox {
    /// Adds the deliveries that another statement wrote.
    pub fn extend(&mut self, other: Self) {
        self.leased.extend(other.leased);
        self.pending.extend(other.pending);
        self.free_slots.extend(other.free_slots);
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.leased.is_empty() && self.pending.is_empty() && self.free_slots.is_empty()
    }
}

#[derive(Deserialize)]
struct Written {
    id: String,
    subscription: String,
    message_id: String,
    event: String,
    profile: Option<String>,
    state: String,
}

#[derive(Deserialize)]
struct To {
    id: String,
    target: String,
    has_free_slot: i64,
}

/// The slots of [`of_events`].
pub(super) struct EventSlots {
    written: Slot<Written>,
    targets: Slot<To>,
}

/// `insert into deliveries` for events, and the statement that reads their targets. `identity_key`
/// is that of an identify. The name of its event depends on whether it is the person's
/// first.
pub(super) fn of_events(
    db: &Db,
    batch: &mut Batch,
    request: &IngestRequest<'_>,
    ids: &str,
    identity_key: Option<&str>,
) -> Result<EventSlots> {
    let company = request.company.into();
    let insert = [
        ids.into(),
        company,
        request.source.into(),
        identity_key.into(),
        request.marker.into(),
        request.received_ms.into(),
        (request.received_ms + LEASE_MS).into(),
        (&request.lease_budget.busy).into(),
        request.lease_budget.events.into(),
    ];
    Ok(EventSlots {
        written: batch.read(db.bind(sql::DELIVERIES_INSERT, &insert)?),
        targets: batch.read(db.bind(sql::SUBSCRIPTION_TARGETS, &[company, request.received_ms.into()])?),
    })
}

/// The answers of [`of_events`]. The events for the bodies come from the request's memory.
pub(super) fn of_events_answer(
    answers: &Answers,
    slots: &EventSlots,
    request: &IngestRequest<'_>,
    rows: &[Row],
) -> Result<Outbox> {
    let written = answers.rows_as_text(&slots.written)?;
    let targets: BTreeMap<String, To> =
        answers.rows_as_text(&slots.targets)?.into_iter().map(|t| (t.id.clone(), t)).collect();
    let rows: BTreeMap<&str, &Row> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut outbox = Outbox::default();
    for d in written {
        match (d.state.as_str(), targets.get(&d.subscription), rows.get(d.message_id.as_str())) {
            ("leased", Some(to), Some(row)) => outbox.leased.push(Leased {
                key: DeliveryKey { subscription: d.subscription, id: d.id },
                message_id: d.message_id,
                event_name: d.event,
                profile: d.profile,
                generation: 1,
                lease_ends_ms: request.received_ms + LEASE_MS,
                tries: 0,
                body: None,
                event: Some(DeliveredEvent {
                    source: request.source.shown(row.sent_by_server.is_some()),
                    ts: row.ts,
                    session: request.session.to_owned(),
                    data: row.data.get().to_owned(),
                    context: row.context.as_deref().map(RawValue::get).or(request.context).map(str::to_owned),
                }),
                target: serde_json::from_str(&to.target)?,
            }),
            ("pending", _, _) => outbox.pending.push(DeliveryKey { subscription: d.subscription, id: d.id }),
            (_, Some(To { has_free_slot: 1, .. }), _) if !outbox.free_slots.contains(&d.subscription) => {
                outbox.free_slots.push(d.subscription);
            }
            _ => {}
        }
    }
    Ok(outbox)
}

#[derive(Deserialize)]
pub(super) struct WrittenPlatform {
    id: String,
    subscription: String,
    state: String,
}

/// `insert into deliveries` for platform events. They are written as pending, because their bodies
/// are built from the stored events.
pub(super) fn of_platform_events(
    db: &Db,
    batch: &mut Batch,
    company: &str,
    ids: &str,
    stamp: ChangeStamp,
) -> Result<Slot<WrittenPlatform>> {
    let (marker, now, none) = (stamp.marker.into(), stamp.now_ms.into(), Param::Int(0));
    let params = [ids.into(), company.into(), Source::Server.into(), "".into(), marker, now, none, "[]".into(), none];
    Ok(batch.read(db.bind(sql::DELIVERIES_INSERT, &params)?))
}

/// The answer of [`of_platform_events`].
pub(super) fn of_platform_events_answer(answers: &Answers, slot: &Slot<WrittenPlatform>) -> Result<Outbox> {
    let mut outbox = Outbox::default();
    for written in answers.rows(slot)? {
        if written.state == "pending" {
            outbox.pending.push(DeliveryKey { subscription: written.subscription, id: written.id });
        } else if !outbox.free_slots.contains(&written.subscription) {
            outbox.free_slots.push(written.subscription);
        }
    }
    Ok(outbox)
}
