//! The outbox: leases, what ends them, and what moves on without one. Claiming is a
//! compare-and-set, so a late or doubled wake-up does nothing. What became of deliveries is in
//! [`super::delivery_log`].

use serde::{Deserialize, Serialize};
use trackmate_wire::limits::{
    EARLY_MS_MAX, HELD_LOOKED_MAX, INTERRUPTIONS_MAX, LEASE_MS, PROBE_MARGIN_MS, PUT_OFF_MS, RELEASE_DELIVERIES_MAX,
    RELEASE_SUBSCRIPTIONS_MAX, SWEEP_SUBSCRIPTIONS_MAX,
};

use super::{Batch, Db, Result, sql};

/// Where a delivery goes and how, as its subscription says when it is leased.
#[derive(Debug, Deserialize)]
pub struct Target {
    /// Where it goes.
    pub url: String,
    /// JSON object of the owner's headers, their values sealed.
    pub headers: String,
    /// What it is signed with, sealed; empty for nothing.
    pub secret: String,
    /// What it is signed with too, until `old_secret_until`.
    pub old_secret: Option<String>,
    /// ms.
    pub old_secret_until: Option<i64>,
    /// The policy's name.
    pub preset: Option<String>,
    /// Attempts in all.
    pub attempts: u32,
    /// Seconds before the second attempt.
    pub delay_s: u32,
    /// Milliseconds of an attempt.
    pub timeout_ms: u32,
    /// Deliveries of the subscription given up in a row.
    pub failures: i64,
}

/// The event that a delivery is about, as far as its body needs it.
#[derive(Debug, Clone, Deserialize)]
pub struct DeliveredEvent {
    /// Who told it: 0 a page, 1 a server.
    pub source: i64,
    /// When it happened.
    pub ts: i64,
    /// Its session.
    pub session: String,
    /// JSON object.
    pub data: String,
    /// JSON object: the page and the browser, as they were told.
    pub context: Option<String>,
}

/// A delivery leased to this invocation.
#[derive(Debug)]
pub struct Leased {
    /// Its id, the same in every attempt.
    pub id: String,
    /// Whose it is.
    pub subscription: String,
    /// The event's id.
    pub message_id: String,
    /// The name the subscriber sees.
    pub event: String,
    /// Whose the event was when the delivery was written.
    pub profile: Option<String>,
    /// The claim.
    pub generation: i64,
    /// When the claim ends unless it is renewed, ms.
    pub lease_ms: i64,
    /// Attempts ended since it was last set going.
    pub tries: u32,
    /// The bytes of an earlier attempt.
    pub body: Option<String>,
    /// What the body is made of; `None` of an event that is gone.
    pub fact: Option<DeliveredEvent>,
    /// Where it goes.
    pub target: Target,
}

#[derive(Deserialize)]
struct Claimed {
    id: String,
    subscription: String,
    message_id: String,
    event: String,
    profile: Option<String>,
    generation: i64,
    tries: u32,
    body: Option<String>,
    fact: Option<String>,
    target: String,
}

impl Claimed {
    fn leased(self, lease_ms: i64) -> Result<Leased> {
        Ok(Leased {
            fact: self.fact.as_deref().map(serde_json::from_str).transpose()?,
            target: serde_json::from_str(&self.target)?,
            id: self.id,
            subscription: self.subscription,
            message_id: self.message_id,
            event: self.event,
            profile: self.profile,
            generation: self.generation,
            lease_ms,
            tries: self.tries,
            body: self.body,
        })
    }
}

#[derive(Deserialize)]
struct HeldFor {
    subscription: String,
    paced: i64,
}

/// Leases those of these deliveries that are due. A delivery whose webhook takes none at the moment
/// becomes held. One that can be neither leased nor held is ended or put off. The second list has
/// the webhooks of held deliveries that may send now: a rate slot is free, or a probe is due.
///
/// # Errors
/// D1's.
pub async fn claim(db: &Db, company: &str, ids: &[String], now_ms: i64) -> Result<(Vec<Leased>, Vec<String>)> {
    let ids = serde_json::to_string(ids)?;
    let (company, ids, now, early) = (company.into(), (&ids).into(), now_ms.into(), EARLY_MS_MAX.into());
    let lease_ms = now_ms + LEASE_MS;
    let claim = [company, ids, now, early, lease_ms.into(), INTERRUPTIONS_MAX.into()];
    let (most, later) = (INTERRUPTIONS_MAX.into(), PUT_OFF_MS.into());
    let mut batch = Batch::default();
    let claimed = batch.read::<Claimed>(db.bind(sql::DELIVERY_CLAIM, &claim)?);
    let held = batch.read::<HeldFor>(db.bind(sql::DELIVERY_HOLD, &[company, ids, now, early, most])?);
    batch.write(db.bind(sql::ATTEMPT_CLEAR, &[company, ids, now, most])?);
    batch.write(db.bind(sql::DELIVERY_CLEAR, &[company, ids, now, early, most, later])?);
    let answers = db.run_batch(batch).await?;
    let (claimed, held) = (answers.rows(&claimed)?, answers.rows(&held)?);
    let mut paced: Vec<String> = held.into_iter().filter(|h| h.paced != 0).map(|h| h.subscription).collect();
    paced.sort();
    paced.dedup();
    Ok((claimed.into_iter().map(|c| c.leased(lease_ms)).collect::<Result<_>>()?, paced))
}

/// Takes a subscription's turn, if it has one: leases the probe of its open circuit, or a second's
/// share of a limited rate, `most` at the most.
///
/// # Errors
/// D1's.
pub async fn take_turn(db: &Db, company: &str, subscription: &str, now_ms: i64, most: i64) -> Result<Vec<Leased>> {
    let (company, subscription, looked) = (company.into(), subscription.into(), HELD_LOOKED_MAX.into());
    let lease_ms = now_ms + LEASE_MS;
    let pace = [company, subscription, now_ms.into(), PROBE_MARGIN_MS.into(), looked];
    let claim = [company, subscription, lease_ms.into(), most.into(), looked];
    let mut batch = Batch::default();
    batch.write(db.bind(sql::SUBSCRIPTION_PACE, &pace)?);
    let claimed = batch.read::<Claimed>(db.bind(sql::DELIVERY_CLAIM_HELD, &claim)?);
    db.run_batch(batch).await?.rows(&claimed)?.into_iter().map(|c| c.leased(lease_ms)).collect()
}

/// A claim: the delivery and its generation, as an item of a JSON parameter.
#[derive(Debug, Clone, Serialize)]
pub struct Claim {
    /// The delivery.
    #[serde(rename = "i")]
    pub id: String,
    /// The generation.
    #[serde(rename = "g")]
    pub generation: i64,
}

/// Prolongs leases that still hold; answers whose.
///
/// # Errors
/// D1's.
pub async fn renew(db: &Db, company: &str, claims: &[Claim], now_ms: i64) -> Result<Vec<String>> {
    let claims = serde_json::to_string(claims)?;
    let params = [company.into(), (&claims).into(), now_ms.into(), (now_ms + LEASE_MS).into()];
    Ok(db.run(sql::DELIVERY_RENEW, &params).await?.rows::<Id>()?.into_iter().map(|row| row.id).collect())
}

/// Takes back leases that were not used.
///
/// # Errors
/// D1's; the leases then run out.
pub async fn give_back(db: &Db, company: &str, claims: &[Claim], now_ms: i64) -> Result<()> {
    let claims = serde_json::to_string(claims)?;
    db.run(sql::DELIVERY_GIVE_BACK, &[company.into(), (&claims).into(), now_ms.into()]).await.map(drop)
}

/// A subscription that has a turn to take.
#[derive(Debug, Deserialize)]
pub struct Paced {
    /// Whose.
    pub company: String,
    /// Which.
    pub id: String,
}

/// Subscriptions of every company that have a turn to take and something waiting. Serves the sweep;
/// hence no company.
///
/// # Errors
/// D1's.
pub async fn paced(db: &Db, now_ms: i64) -> Result<Vec<Paced>> {
    db.run(sql::SUBSCRIPTION_PACED, &[now_ms.into(), RELEASE_SUBSCRIPTIONS_MAX.into()]).await?.rows()
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
struct Releasing {
    company: String,
    id: String,
    release: String,
    released_at: Option<i64>,
}

/// Moves a slice of what was held on, for some of the subscriptions that take it again, each
/// company's in turn. Serves the sweep; hence no company.
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

/// A delivery whose time has come.
#[derive(Debug)]
pub struct Due {
    /// Whose.
    pub company: String,
    /// Which.
    pub id: String,
}

/// A company and one of its subscriptions, where a walk through all of them stands; empty before
/// the first.
pub type Place = (String, String);

#[derive(Deserialize)]
struct Walked {
    company: String,
    subscription: String,
    id: Option<String>,
}

/// Deliveries of every company that are due, `limit` at the most: each company's in turn, each of
/// its subscriptions' in turn, what waited longest first. What is due of a deleted webhook ends
/// here. With the place where the walk stopped, if it did not come to the end. Serves the sweep,
/// which serves all; hence no company.
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
            Some(id) => due.push(Due { company, id }),
            None => place = (company, subscription),
        }
    }
    Ok((due, place))
}
