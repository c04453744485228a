//! Idempotency keys of companies, and of the operator, whose company is the empty text. A request
//! claims its key before it runs, and stores its answer when it has run.

use std::cell::Cell;

use serde::Deserialize;
use serde_json::json;
use trackmate_wire::limits::{IDEMPOTENCY_CLAIM_MS, IDEMPOTENCY_KEY_MS, IDEMPOTENCY_KEYS_MAX, IDEMPOTENCY_PRUNE_MAX};

use super::{Batch, Bound, Db, Result, Statement, sql};
use crate::domain::idempotency::Hashes;

/// The claim of a key by one request.
#[derive(Debug)]
pub struct Claim {
    /// The company; empty for the operator.
    pub company: String,
    /// The key and the request.
    pub hashes: Hashes,
    /// Names this request.
    pub marker: i64,
    /// What the answer is sealed with, beside the deployment's key.
    pub salt: String,
    /// Whether the answer is stored in the batch of what the request creates.
    pub has_answer: Cell<bool>,
}

impl Claim {
    /// A claim for a request that this marker names. `salt` is for a company that has none yet.
    #[must_use]
    pub fn new(company: &str, hashes: Hashes, marker: i64, salt: String) -> Self {
        Self { company: company.to_owned(), hashes, marker, salt, has_answer: Cell::default() }
    }
}

/// A key as stored.
#[derive(Debug, Deserialize)]
pub struct Found {
    /// The hash of the request that has the key.
    pub request: String,
    /// Names the request that runs, or that was answered.
    pub marker: i64,
    /// The status of its answer, if it was answered.
    pub status: Option<u16>,
    /// Its sealed answer, unless it was too large.
    pub answer: Option<String>,
    /// What the company's answers are sealed with.
    pub salt: String,
}

/// The statements that claim a key and read who has it. The last one returns the key, or nothing if
/// the company has too many.
#[must_use]
pub fn claiming(claim: &Claim, now_ms: i64) -> Vec<Statement> {
    let Claim { company, hashes: Hashes { key, request }, marker, salt, .. } = claim;
    let (died, old) = (now_ms - IDEMPOTENCY_CLAIM_MS, now_ms - IDEMPOTENCY_KEY_MS);
    vec![
        Statement::new(sql::ANSWERS_SALT_SET, json!([company, salt])),
        Statement::new(
            sql::IDEMPOTENCY_KEYS_CLAIM,
            json!([company, key, request, marker, now_ms, died, old, IDEMPOTENCY_KEYS_MAX]),
        ),
        Statement::new(sql::IDEMPOTENCY_KEYS_FIND, json!([company, key])),
    ]
}

/// Claims a key, unless another request has it. Returns who has it then; `None` if the company has
/// too many keys.
///
/// # Errors
/// D1's.
pub async fn claim(db: &Db, claim: &Claim, now_ms: i64) -> Result<Option<Found>> {
    let mut statements = db.bind_all(&claiming(claim, now_ms))?;
    let mut batch = Batch::default();
    let find = statements.pop();
    batch.write_all(statements);
    let Some(find) = find.map(|statement| batch.read(statement)) else { return Ok(None) };
    db.run_batch(batch).await?.first(&find)
}

/// The statement that stores an answer. `None` is an answer that is too large. With `in_batch`, the
/// statement stands in a batch, directly after the one that creates what the answer is about. It
/// stores nothing if that one created nothing. It fails the batch if the request took so long that
/// another one has claimed the key.
#[must_use]
pub fn remembering(claim: &Claim, status: u16, answer: Option<&str>, in_batch: bool) -> Statement {
    let Claim { company, hashes, marker, .. } = claim;
    let params = json!([company, hashes.key, marker, status, answer, i64::from(in_batch)]);
    Statement::new(sql::IDEMPOTENCY_KEYS_REMEMBER, params)
}

/// The statement that frees the key of a request that may be sent again.
#[must_use]
pub fn releasing(claim: &Claim) -> Statement {
    let Claim { company, hashes, marker, .. } = claim;
    Statement::new(sql::IDEMPOTENCY_KEYS_RELEASE, json!([company, hashes.key, marker]))
}

/// The statement that deletes a slice of the old keys. Takes no company: the sweep serves all
/// companies.
///
/// # Errors
/// When D1 refuses a parameter.
pub fn prune(db: &Db, now_ms: i64) -> Result<Bound> {
    let before = now_ms - IDEMPOTENCY_KEY_MS;
    db.bind(sql::IDEMPOTENCY_KEYS_PRUNE, &[before.into(), IDEMPOTENCY_PRUNE_MAX.into()])
}
