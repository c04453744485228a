//! Stored deliveries: leases, how they end, and deliveries that move on without one. Leasing is a
//! compare-and-set, so a late or repeated wake-up does nothing. [`super::outbox`] writes
//! deliveries, and [`super::delivery_log`] reads what became of them.

use serde::{Deserialize, Serialize};
use trackmate_wire::limits::{
    EARLY_MS_MAX, HELD_LOOKED_MAX, INTERRUPTIONS_MAX, LEASE_MS, PROBE_MARGIN_MS, PUT_OFF_MS, RELEASE_DELIVERIES_MAX,
    RELEASE_SUBSCRIPTIONS_MAX, SWEEP_SUBSCRIPTIONS_MAX,
};

use super::{Batch, Db, Result, sql};
use crate::domain::source::Source;

/// Where and how a delivery is sent: the settings of its subscription at the time of the lease.
#[derive(Debug, Deserialize)]
pub struct Target {
    /// Where it goes.
    pub url: String,
    /// JSON object of the owner's headers, their values sealed.
    pub headers: String,
    /// The signing secret, sealed; empty if the delivery is not signed.
    pub secret: String,
    /// A second signing secret, used until `old_secret_until`.
    pub old_secret: Option<String>,
    /// ms.
    pub old_secret_until: Option<i64>,
    /// The name of its retry policy.
    pub preset: Option<String>,
    /// Attempts in all.
    pub attempts: u32,
    /// Seconds before the second attempt.
    pub delay_s: u32,
    /// Timeout of an attempt, ms.
    pub timeout_ms: u32,
    /// Number of consecutive deliveries of the subscription that were given up.
    pub failures: i64,
}

/// The parts of an event that the body of its delivery needs.
#[derive(Debug, Clone, Deserialize)]
pub struct DeliveredEvent {
    /// The API through which it came.
    pub source: Source,
    /// When it happened.
    pub ts: i64,
    /// Its session.
    pub session: String,
    /// JSON object.
    pub data: String,
    /// JSON object: the page and the browser, as the sender described them.
    pub context: Option<String>,
}

/// The key of a delivery within its company; as an item of a JSON parameter `{w, i}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeliveryKey {
    /// Its subscription.
    #[serde(rename(serialize = "w"))]
    pub subscription: String,
    /// Its id, the same in every attempt.
    #[serde(rename(serialize = "i"))]
    pub id: String,
}

/// A delivery leased to this invocation.
#[derive(Debug)]
pub struct Leased {
    /// Its key.
    pub key: DeliveryKey,
    /// The event's id.
    pub message_id: String,
    /// The event's name in the body.
    pub event_name: String,
    /// The owner of the event when the delivery was written.
    pub profile: Option<String>,
    /// Its number of leases, of which this is the last.
    pub generation: i64,
    /// When the lease ends unless it is renewed, ms.
    pub lease_ends_ms: i64,
    /// Attempts that ended since the delivery was created or last resent.
    pub tries: u32,
    /// The bytes of an earlier attempt.
    pub body: Option<String>,
    /// The event; `None` if it was deleted.
    pub event: Option<DeliveredEvent>,
    /// Where it goes.
    pub target: Target,
}

#[derive(Deserialize)]
struct LeasedRow {
    id: String,
    subscription: String,
    message_id: String,
    event_name: String,
    profile: Option<String>,
    generation: i64,
    tries: u32,
    body: Option<String>,
    event: Option<String>,
    target: String,
}

impl LeasedRow {
    fn leased(self, lease_ends_ms: i64) -> Result<Leased> {
        Ok(Leased {
            event: self.event.as_deref().map(serde_json::from_str).transpose()?,
            target: serde_json::from_str(&self.target)?,
            key: DeliveryKey { subscription: self.subscription, id: self.id },
            message_id: self.message_id,
            event_name: self.event_name,
            profile: self.profile,
            generation: self.generation,
            lease_ends_ms,
            tries: self.tries,
            body: self.body,
        })
    }
}

#[derive(Deserialize)]
struct HeldFor {
    subscription: String,
    has_free_slot: i64,
}

/// Leases those of these deliveries that are due. A delivery whose webhook takes none at the moment
/// becomes held. One that can be neither leased nor held is ended or put off. The second list
/// has webhooks that have held deliveries and may send one now.
///
/// # Errors
/// D1's.
pub async fn lease(db: &Db, company: &str, keys: &[DeliveryKey], now_ms: i64) -> Result<(Vec<Leased>, Vec<String>)> {
    let keys = serde_json::to_string(keys)?;
    let (company, keys, now, early) = (company.into(), (&keys).into(), now_ms.into(), EARLY_MS_MAX.into());
    let lease_ends_ms = now_ms + LEASE_MS;
    let lease = [company, keys, now, early, lease_ends_ms.into(), INTERRUPTIONS_MAX.into()];
    let (most, later) = (INTERRUPTIONS_MAX.into(), PUT_OFF_MS.into());
    let mut batch = Batch::default();
    let leased = batch.read::<LeasedRow>(db.bind(sql::DELIVERY_LEASE, &lease)?);
    let held = batch.read::<HeldFor>(db.bind(sql::DELIVERY_HOLD, &[company, keys, now, early, most])?);
    batch.write(db.bind(sql::ATTEMPT_CLEAR, &[company, keys, now, most])?);
    batch.write(db.bind(sql::DELIVERY_CLEAR, &[company, keys, now, early, most, later])?);
    let answers = db.run_batch(batch).await?;
    let (leased, held) = (answers.rows(&leased)?, answers.rows(&held)?);
    let mut free_slots: Vec<String> =
        held.into_iter().filter(|h| h.has_free_slot != 0).map(|h| h.subscription).collect();
    free_slots.sort();
    free_slots.dedup();
    Ok((leased.into_iter().map(|c| c.leased(lease_ends_ms)).collect::<Result<_>>()?, free_slots))
}

/// Takes a subscription's throttle slot, if it is free. Leases the probe of an open circuit, or the
/// deliveries that the rate limit allows in this second, at most `most`.
///
/// # Errors
/// D1's.
pub async fn take_throttle_slot(
    db: &Db,
    company: &str,
    subscription: &str,
    now_ms: i64,
    most: i64,
) -> Result<Vec<Leased>> {
    let (company, subscription, looked) = (company.into(), subscription.into(), HELD_LOOKED_MAX.into());
    let lease_ends_ms = now_ms + LEASE_MS;
    let take = [company, subscription, now_ms.into(), PROBE_MARGIN_MS.into(), looked];
    let lease = [company, subscription, lease_ends_ms.into(), most.into(), looked];
    let mut batch = Batch::default();
    batch.write(db.bind(sql::SUBSCRIPTION_TAKE_SLOT, &take)?);
    let leased = batch.read::<LeasedRow>(db.bind(sql::DELIVERY_LEASE_HELD, &lease)?);
    db.run_batch(batch).await?.rows(&leased)?.into_iter().map(|c| c.leased(lease_ends_ms)).collect()
}

/// A lease: the delivery and its generation, as an item of a JSON parameter.
#[derive(Debug, Clone, Serialize)]
pub struct Lease {
    /// The delivery.
    #[serde(flatten)]
    pub key: DeliveryKey,
    /// The generation.
    #[serde(rename = "g")]
    pub generation: i64,
}

/// Renews leases that still hold, and returns their deliveries.
///
/// # Errors
/// D1's.
pub async fn renew(db: &Db, company: &str, leases: &[Lease], now_ms: i64) -> Result<Vec<DeliveryKey>> {
    let leases = serde_json::to_string(leases)?;
    let params = [company.into(), (&leases).into(), now_ms.into(), (now_ms + LEASE_MS).into()];
    db.run(sql::DELIVERY_RENEW, &params).await?.rows()
}

/// Returns leases that were not used.
///
/// # Errors
/// D1's; the leases then run out.
pub async fn return_leases(db: &Db, company: &str, leases: &[Lease], now_ms: i64) -> Result<()> {
    let leases = serde_json::to_string(leases)?;
    db.run(sql::DELIVERY_RETURN_LEASES, &[company.into(), (&leases).into(), now_ms.into()]).await.map(drop)
}

/// A subscription with a free throttle slot.
#[derive(Debug, Deserialize)]
pub struct FreeSlot {
    /// Its company.
    pub company: String,
    /// Its id.
    pub id: String,
}

/// Subscriptions of every company with a free throttle slot and held deliveries. Takes no company:
/// the sweep serves all companies.
///
/// # Errors
/// D1's.
pub async fn free_slots(db: &Db, now_ms: i64) -> Result<Vec<FreeSlot>> {
    db.run(sql::SUBSCRIPTION_FREE_SLOTS, &[now_ms.into(), RELEASE_SUBSCRIPTIONS_MAX.into()]).await?.rows()
}

#[derive(Deserialize)]
struct Releasing {
    company: String,
    id: String,
    release: String,
    released_at: Option<i64>,
}

/// Releases a slice of the held deliveries of some subscriptions that accept them again. Companies
/// take turns. Takes no company: the sweep serves all companies.
///
/// # Errors
/// D1's.
pub async fn release(db: &Db, now_ms: i64) -> Result<()> {
    let found: Vec<Releasing> =
        db.run(sql::SUBSCRIPTION_RELEASING, &[RELEASE_SUBSCRIPTIONS_MAX.into()]).await?.rows()?;
    let mut batch = Vec::new();
    for s in &found {
        let (company, id) = ((&s.company).into(), (&s.id).into());
        batch.push(db.bind(
            sql::DELIVERY_RELEASE,
            &[
                company,
                id,
                (&s.release).into(),
                now_ms.into(),
                RELEASE_DELIVERIES_MAX.into(),
                s.released_at.unwrap_or(now_ms).into(),
            ],
        )?);
        batch.push(db.bind(sql::SUBSCRIPTION_RELEASED, &[company, id])?);
    }
    if batch.is_empty() { Ok(()) } else { db.batch(batch).await.map(drop) }
}

/// A due delivery.
#[derive(Debug)]
pub struct Due {
    /// Its company.
    pub company: String,
    /// Its key.
    pub key: DeliveryKey,
}

/// The place of a walk through all subscriptions: a company and one of its subscriptions. Both are
/// empty before the first.
pub type Place = (String, String);

#[derive(Deserialize)]
struct Walked {
    company: String,
    subscription: String,
    id: Option<String>,
}

/// At most `limit` due deliveries of every company. Companies take turns, and so do the
/// subscriptions of each; the delivery that waited longest comes first. Due deliveries of deleted
/// webhooks end here. The second part is the place where the walk stopped before its end. Takes no
/// company: the sweep serves all companies.
///
/// # Errors
/// D1's.
pub async fn due(db: &Db, now_ms: i64, limit: i64, (company, subscription): &Place) -> Result<(Vec<Due>, Place)> {
    let params = [now_ms.into(), limit.into(), company.into(), subscription.into(), SWEEP_SUBSCRIPTIONS_MAX.into()];
    let mut place = Place::default();
    let mut due = Vec::new();
    let mut batch = Batch::default();
    batch.write(db.bind(sql::DELIVERY_ORPHAN, &params)?);
    let walked = batch.read(db.bind(sql::DELIVERY_DUE, &params)?);
    for Walked { company, subscription, id } in db.run_batch(batch).await?.rows(&walked)? {
        match id {
            Some(id) => due.push(Due { company, key: DeliveryKey { subscription, id } }),
            None => place = (company, subscription),
        }
    }
    Ok((due, place))
}
