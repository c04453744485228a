//! Moves of companies, and the cells between which they move. The operator asks for them, and one
//! worker at a time makes them, so not every function takes a company. All but [`run`] take the
//! directory.

use serde::Deserialize;
use trackmate_wire::limits::{MOVE_LEASE_MS, MOVES_SHOWN_MAX};

use super::moving::Trip;
use super::{Bound, Db, Param, Result, sql};
use crate::domain::moving::mover::Mover;
use crate::domain::moving::{Phase, Row};

/// A move.
#[derive(Debug, Clone, Deserialize)]
pub struct Move {
    /// Its id; ascends with time.
    pub id: String,
    /// The company.
    pub company: String,
    /// The cell that it leaves.
    pub source: String,
    /// The cell that it goes to.
    pub target: String,
    /// The phase.
    pub phase: Phase,
    /// Where the phase goes on, JSON.
    pub place: String,
    /// Rows that were copied so far.
    pub rows: i64,
    /// When it began, ms.
    pub began_at: i64,
    /// When the company was stopped, ms.
    pub frozen_at: Option<i64>,
    /// When the company was switched, ms.
    pub switched_at: Option<i64>,
    /// When it ended, ms.
    pub ended_at: Option<i64>,
    /// Until when one worker has it, ms.
    pub lease_until: i64,
    /// Why the last step failed, or why it was aborted.
    pub error: Option<String>,
}

/// A cell, as the sweep saw it last.
#[derive(Debug, Clone, Deserialize)]
pub struct Cell {
    /// The name of its binding.
    pub cell: String,
    /// `open`, `full` or `closed`.
    pub state: String,
    /// Where its data stay.
    pub jurisdiction: Option<String>,
    /// Where it is.
    pub region: Option<String>,
    /// The number of its companies.
    pub companies: i64,
    /// Its size.
    pub bytes: i64,
    /// The number of its last migration.
    pub schema: i64,
    /// When a sweep saw it first, ms.
    pub first_seen_at: i64,
    /// When a sweep ended there last, ms; 0: never.
    pub seen_at: i64,
    /// Why the last sweep failed.
    pub error: Option<String>,
}

/// Where a company is.
#[derive(Debug, Deserialize)]
pub struct Home {
    /// Its cell; `None` if there is no such company.
    pub cell: Option<String>,
    /// The company that moves at the moment.
    pub moving: Option<String>,
}

/// Takes the lease of the move that has not ended; `None` if there is none, or another worker has
/// it.
///
/// # Errors
/// D1's.
pub async fn lease(db: &Db, now_ms: i64) -> Result<Option<Move>> {
    db.run(sql::MOVE_LEASE, &[now_ms.into(), (now_ms + MOVE_LEASE_MS).into()]).await?.first()
}

#[derive(Deserialize)]
struct Saved {
    lease_until: i64,
    frozen_at: Option<i64>,
    switched_at: Option<i64>,
}

/// Saves where a move goes on, and has the lease for its whole time again. `false` if the lease is
/// another worker's by now, or if the operator has aborted the move.
///
/// # Errors
/// D1's.
pub async fn save(db: &Db, moved: &mut Move, mover: &mut Mover, now_ms: i64) -> Result<bool> {
    let place = serde_json::to_string(&mover.place)?;
    let params = [
        (&moved.id).into(),
        moved.lease_until.into(),
        moved.phase.as_str().into(),
        mover.phase.as_str().into(),
        (&place).into(),
        mover.rows.into(),
        now_ms.into(),
        mover.error.as_ref().into(),
        (now_ms + MOVE_LEASE_MS).into(),
    ];
    let Some(saved) = db.run(sql::MOVE_SAVE, &params).await?.first::<Saved>()? else { return Ok(false) };
    let Saved { lease_until, frozen_at, switched_at } = saved;
    *moved = Move { phase: mover.phase, lease_until, frozen_at, switched_at, ..moved.clone() };
    mover.saved();
    Ok(true)
}

/// Gives a lease back at this time, ms, and notes why the step failed.
///
/// # Errors
/// D1's.
pub async fn release(db: &Db, moved: &Move, until_ms: i64, error: Option<&str>) -> Result<()> {
    let params: [Param<'_>; 4] = [(&moved.id).into(), moved.lease_until.into(), until_ms.into(), error.into()];
    db.run(sql::MOVE_RELEASE, &params).await.map(drop)
}

/// Where a company is, and which company moves.
///
/// # Errors
/// D1's.
pub async fn home(db: &Db, company: &str) -> Result<Home> {
    let found = db.run(sql::MOVE_HOME, &[company.into()]).await?.first()?;
    Ok(found.unwrap_or(Home { cell: None, moving: None }))
}

/// Begins a move. `false` if another one has not ended.
///
/// # Errors
/// D1's.
pub async fn begin(db: &Db, id: &str, company: &str, [source, target]: [&str; 2], now_ms: i64) -> Result<bool> {
    let params = [id.into(), company.into(), source.into(), target.into(), now_ms.into()];
    Ok(db.run(sql::MOVE_INSERT, &params).await?.written()? > 0)
}

/// Gives a company's move up. `false` if it has none that may be aborted.
///
/// # Errors
/// D1's.
pub async fn abort(db: &Db, company: &str, reason: &str) -> Result<bool> {
    Ok(db.run(sql::MOVE_ABORT, &[company.into(), reason.into()]).await?.written()? > 0)
}

/// The last move of a company.
///
/// # Errors
/// D1's.
pub async fn find(db: &Db, company: &str) -> Result<Option<Move>> {
    db.run(sql::MOVE_FIND, &[company.into()]).await?.first()
}

/// The move that has not ended.
///
/// # Errors
/// D1's.
pub async fn open(db: &Db) -> Result<Option<Move>> {
    db.run(sql::MOVE_OPEN, &[]).await?.first()
}

/// The latest moves before this id, the last one first.
///
/// # Errors
/// D1's.
pub async fn list(db: &Db, before: &str, limit: i64) -> Result<Vec<Move>> {
    db.run(sql::MOVE_LIST, &[before.into(), limit.min(MOVES_SHOWN_MAX + 1).into()]).await?.rows()
}

/// All cells that a sweep has seen.
///
/// # Errors
/// D1's.
pub async fn cells(db: &Db) -> Result<Vec<Cell>> {
    db.run(sql::CELL_LIST, &[]).await?.rows()
}

/// Sets the state of a cell. `false` if there is no such cell.
///
/// # Errors
/// D1's.
pub async fn set_state(db: &Db, cell: &str, state: &str) -> Result<bool> {
    Ok(db.run(sql::CELL_SET, &[cell.into(), state.into()]).await?.written()? > 0)
}

/// Runs the batch of a task in its cell. → The rows of each statement that reads.
///
/// # Errors
/// D1's; then nothing has changed. [`is_outdated`] tells when another worker has the move.
pub async fn run(db: &Db, trip: Trip) -> Result<Vec<Vec<Row>>> {
    let mut statements = Vec::with_capacity(trip.parts.len());
    let mut reads = Vec::new();
    for part in trip.parts {
        statements.push(Bound::of_values(part.sql, &part.params));
        reads.push(part.reads);
    }
    let answers = db.batch(statements).await?;
    let read = answers.iter().zip(reads).filter(|(_, reads)| *reads);
    read.map(|(answer, _)| answer.rows_as_text()).collect()
}

/// Whether a batch failed because another worker has the move by now (`move.guard.sql`).
#[must_use]
pub fn is_outdated(error: &worker::Error) -> bool {
    error.to_string().contains("progress.job")
}
