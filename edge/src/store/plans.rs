//! Tracking plans, their violations, and samples of events for a first plan. The tables are `plans`
//! and `violations`; `companies` and `keys` have the version in force.

use serde::{Deserialize, Serialize};
use trackmate_wire::limits::{
    PLAN_SAMPLE_BYTES_MAX, PLAN_SAMPLE_MAX, PLAN_SAMPLE_OF_NAME, PLAN_SAMPLE_TAKEN, PLAN_VIOLATIONS_MAX,
};

use super::{Batch, Db, Result, list_bytes, sql};
use crate::domain::plan::Mode;
use crate::domain::source::Source;

/// The stored plan of a company.
#[derive(Debug, Deserialize)]
pub struct Stored {
    /// What happens to events that violate it.
    pub mode: Mode,
    /// JSON object.
    pub plan: String,
    /// Changes with the plan and with the mode.
    pub version: i64,
    /// ms.
    pub updated_at: i64,
}

/// A company's plan; `None` if it never had one.
///
/// # Errors
/// D1's.
pub async fn find(db: &Db, company: &str) -> Result<Option<Stored>> {
    db.run(sql::PLAN_FIND, &[company.into()]).await?.first()
}

/// A change of a plan.
#[derive(Debug, Clone, Copy)]
pub struct PlanChange<'a> {
    /// What happens to events that violate it.
    pub mode: Mode,
    /// The new plan, JSON; `None` changes only the mode.
    pub plan: Option<&'a str>,
    /// Random.
    pub version: i64,
}

/// Changes a company's plan. A new plan deletes the violations of the previous one.
///
/// # Errors
/// D1's.
pub async fn put(db: &Db, company: &str, change: PlanChange<'_>, now_ms: i64) -> Result<()> {
    let PlanChange { mode, plan, version } = change;
    let enforced = if mode == Mode::Off { 0 } else { version };
    let params = [company.into(), mode.as_str().into(), plan.into(), version.into(), now_ms.into()];
    let mut batch = vec![
        db.bind(sql::PLAN_PUT, &params)?,
        db.bind(sql::PLAN_ENFORCE, &[company.into(), enforced.into()])?,
        db.bind(sql::PLAN_ENFORCE_KEYS, &[company.into(), enforced.into()])?,
    ];
    if plan.is_some() {
        batch.push(db.bind(sql::VIOLATION_CLEAR, &[company.into()])?);
    }
    db.batch(batch).await.map(drop)
}

/// The number of violations of one kind since the last write.
#[derive(Debug, Serialize)]
pub struct ViolationCount {
    /// The event's name.
    #[serde(rename = "e")]
    pub event: String,
    /// The field that violates the plan.
    #[serde(rename = "f")]
    pub field: String,
    /// The kind of violation.
    #[serde(rename = "r")]
    pub reason: &'static str,
    /// Their number.
    #[serde(rename = "k")]
    pub count: i64,
    /// When the last one arrived, ms by our clock.
    #[serde(rename = "t")]
    pub last_ms: i64,
}

/// Adds to the stored numbers of violations.
///
/// # Errors
/// D1's.
pub async fn count(db: &Db, company: &str, counts: &[ViolationCount]) -> Result<()> {
    let most = i64::try_from(PLAN_VIOLATIONS_MAX).unwrap_or(i64::MAX);
    let counts = serde_json::to_string(counts)?;
    db.run(sql::VIOLATION_COUNT, &[company.into(), (&counts).into(), most.into()]).await.map(drop)
}

/// A kind of violation.
#[derive(Debug, Deserialize)]
pub struct Seen {
    /// The event's name.
    pub event: String,
    /// The field that violates the plan.
    pub field: String,
    /// The kind of violation.
    pub reason: String,
    /// Their number.
    pub seen: i64,
    /// ms.
    pub first_at: i64,
    /// ms.
    pub last_at: i64,
}

/// The stored kinds of violation, the most frequent first.
///
/// # Errors
/// D1's.
pub async fn violations(db: &Db, company: &str) -> Result<Vec<Seen>> {
    db.run(sql::VIOLATION_LIST, &[company.into()]).await?.rows()
}

/// An event of a sample.
#[derive(Debug, Clone, Deserialize)]
pub struct Sample {
    /// Its name.
    pub name: String,
    /// JSON object.
    pub data: String,
}

/// A sample of a company's events.
///
/// # Errors
/// D1's.
pub async fn sample(db: &Db, company: &str) -> Result<Vec<Sample>> {
    let of_source = |source: Source| {
        let params = [
            company.into(),
            source.into(),
            PLAN_SAMPLE_MAX.into(),
            PLAN_SAMPLE_OF_NAME.into(),
            (PLAN_SAMPLE_TAKEN / 2).into(),
            PLAN_SAMPLE_BYTES_MAX.into(),
            list_bytes(),
        ];
        db.bind(sql::PLAN_SAMPLE, &params)
    };
    let mut batch = Batch::default();
    let (browser, server) = (batch.read(of_source(Source::Browser)?), batch.read(of_source(Source::Server)?));
    let answers = db.run_batch(batch).await?;
    Ok([answers.rows(&browser)?, answers.rows(&server)?].concat())
}
