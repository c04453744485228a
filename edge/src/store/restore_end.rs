//! The end of a restore, in slices: what people erased during the backup left is removed, and then
//! the companies and keys are there. Takes no company, or a range of companies: the operator asks.
//!
//! The row of the restore in `progress` says how far its end is. A slice and its place are one
//! transaction, and a slice does nothing if the place is another by then. So a request may be
//! repeated, and a crash between two slices costs nothing. The sweep waits until the last slice.

use serde::Deserialize;
use serde_json::{Value, json};
use trackmate_wire::limits::{RESTORE_END_ROWS, RESTORE_END_SLICES_MAX};

use super::backup::{Restore, statement};
use super::{Answer, Bound, Db, Result, sql};
use crate::domain::backup::{EndPlace, Table, range};

#[derive(Deserialize)]
struct Slice {
    last: Option<String>,
}

#[derive(Deserialize)]
struct Found {}

/// A statement whose table is filled in, and its parameters.
pub type Filled = (String, Vec<Value>);

fn filled(sql: impl Into<String>, params: Value) -> Filled {
    (sql.into(), if let Value::Array(params) = params { params } else { vec![params] })
}

/// The statement that finds where the next slice of a table ends.
#[must_use]
pub fn finding(table: &Table, after: Option<&str>, restore: &Restore, most: i64) -> Filled {
    let (first, to) = range(restore.company.as_deref());
    if table.is_last() {
        let (after, to) = (format!("restore {} ", table.name), format!("restore {}!", table.name));
        return filled(sql::RESTORE_WAITING, json!([after, to]));
    }
    let after = after.map_or_else(|| json!([first]).to_string(), str::to_owned);
    filled(statement(sql::RESTORE_SLICE, table), json!([after, to, most]))
}

/// The statement that finds whether an erasure is open. Without one there is nobody to remove.
#[must_use]
pub fn erased(restore: &Restore) -> Filled {
    let (after, to) = range(restore.company.as_deref());
    filled(sql::RESTORE_ERASED, json!([after, to]))
}

/// The statements of a slice of a table with at most so many rows, from a place up to its last row.
/// The last statement notes the place.
#[must_use]
pub fn slice(restore: &Restore, place: &EndPlace, last: &str, most: i64, now_ms: i64) -> Vec<Filled> {
    let Some(table) = place.table() else { return Vec::new() };
    let (first, _) = range(restore.company.as_deref());
    let state = &restore.end;
    let after = place.1.clone().unwrap_or_else(|| json!([first]).to_string());
    let of_table = |template| statement(template, table);
    let ranged = |template| vec![filled(of_table(template), json!([after, last, state, most]))];
    let mut statements = match table.name {
        "erasures" => {
            vec![filled(of_table(sql::RESTORE_ERASURES), json!([after, last, state, restore.began_at, most]))]
        }
        "profiles" => ranged(sql::RESTORE_BLANK),
        "tombstones" => ranged(sql::RESTORE_TOMBSTONES),
        _ if table.is_last() => [of_table(sql::RESTORE_STAGED), sql::RESTORE_UNSTAGE.to_owned()]
            .map(|text| filled(text, json!([last, state])))
            .into(),
        _ => ranged(sql::RESTORE_FORGET),
    };
    statements.push(filled(sql::RESTORE_PLACE, json!([state, state_after(table, last), now_ms])));
    statements
}

/// How far the end of a restore is after a slice.
#[must_use]
pub fn state_after(table: &Table, last: &str) -> String {
    json!([table.name, last]).to_string()
}

/// The statements that end a restore after its last slice.
#[must_use]
pub fn ending(restore: &Restore) -> [Filled; 2] {
    [sql::RESTORE_NOTE, sql::RESTORE_END].map(|text| filled(text, json!([restore.end])))
}

/// Goes on with the end of a restore whose batches are all stored. `false` if a later request must
/// go on.
///
/// # Errors
/// D1's. What was done stays done.
pub async fn go_on(db: &Db, mut restore: Restore, now_ms: i64) -> Result<bool> {
    let Some(mut place) = restore.end_place() else { return Ok(false) };
    let mut slices = 0;
    while let Some(table) = place.table() {
        let slice_end = find(db, &finding(table, place.1.as_deref(), &restore, RESTORE_END_ROWS)).await?;
        let last = slice_end.first::<Slice>()?.and_then(|slice| slice.last);
        let Some(last) = last else {
            match after(db, &place, &restore).await? {
                Some(next) => place = next,
                None => break,
            }
            continue;
        };
        if slices == RESTORE_END_SLICES_MAX
            || !write(db, &slice(&restore, &place, &last, RESTORE_END_ROWS, now_ms)).await?
        {
            return Ok(false);
        }
        slices += 1;
        restore.end = state_after(table, &last);
        place = EndPlace(table.name.to_owned(), Some(last));
    }
    write(db, &ending(&restore)).await
}

/// The table that is walked after this one. If nobody is to be removed, there is nothing to walk.
async fn after(db: &Db, place: &EndPlace, restore: &Restore) -> Result<Option<EndPlace>> {
    if place.0 != "erasures" {
        return Ok(place.next());
    }
    let is_open = find(db, &erased(restore)).await?.first::<Found>()?.is_some();
    Ok(if is_open { place.next() } else { Some(EndPlace::of("tombstones")) })
}

fn bound((sql, params): &Filled) -> Bound {
    Bound::of_values(sql.clone(), params)
}

async fn find(db: &Db, statement: &Filled) -> Result<Answer> {
    let mut answers = db.batch(vec![bound(statement)]).await?;
    answers.pop().ok_or_else(|| worker::Error::RustError("D1 answered nothing".into()))
}

/// Runs statements. `false` if the last of them wrote nothing, because somebody else has gone on.
async fn write(db: &Db, statements: &[Filled]) -> Result<bool> {
    let answers = db.batch(statements.iter().map(bound).collect()).await?;
    answers.last().map_or(Ok(false), |answer| answer.written().map(|written| written > 0))
}
