//! Backups and restores of all companies, or of one. Takes no company, or a range of companies:
//! the operator asks.
//!
//! A restore has a row in `progress` while it runs. It says which batch is next, so that a batch
//! that is sent twice changes nothing. Until the restore ends there is no company and no key, so
//! nobody can use what is stored, and the sweep does nothing, unless no batch comes for some time.
//! `store/restore_end.rs` ends it.

use serde::{Deserialize, Serialize};
use trackmate_wire::limits::{BACKUP_PAGE_BYTES, BACKUP_PAGE_ROWS, RESTORE_DROP_ROWS, RESTORE_DROPS_MAX};

use super::{Batch, Db, Result, progress, sql};
use crate::domain::backup::{EndPlace, TABLES, Table, range};

/// The name of a restore in `progress`.
const JOB: &str = "restore";
/// The name of the last restore that ended: the SHA-256 of its file.
const RESTORED: &str = "restored";
/// How far the end of a restore is that is given up.
const GIVEN_UP: &str = "given up";

/// A row of a page.
#[derive(Debug, Deserialize)]
pub struct Row {
    /// The row as a JSON array.
    pub row: String,
    /// Its key as a JSON array.
    pub place: String,
    found: i64,
}

/// A running restore.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Restore {
    /// SHA-256 of the file.
    pub file: String,
    /// The company; `None` is all.
    pub company: Option<String>,
    /// When the backup began, ms.
    pub began_at: i64,
    /// The number of the next batch; negative: it is being given up.
    pub next: i64,
    /// Rows so far.
    pub rows: i64,
    /// When its last batch came or its end went on, ms.
    #[serde(default)]
    pub active_at: i64,
    /// How far its end is: an [`EndPlace`] as JSON. Empty: it has not begun.
    #[serde(default)]
    pub end: String,
}

/// Most arguments of a function of D1.
const ARGUMENTS_MAX: usize = 32;

/// The expression of a row as a JSON array.
fn row(table: &Table) -> String {
    if table.width() <= ARGUMENTS_MAX {
        return format!("json_array({})", table.columns.replace(' ', ", "));
    }
    let quoted: Vec<String> = table.columns.split(' ').map(|column| format!("json_quote({column})")).collect();
    format!("('[' || {} || ']')", quoted.join(" || ',' || "))
}

/// A statement for a table.
#[must_use]
pub fn statement(template: &str, table: &Table) -> String {
    let numbered =
        |column: &str, count: usize| (0..count).map(|n| format!("{column} ->> {n}")).collect::<Vec<_>>().join(", ");
    template
        .replace("{table}", table.name)
        .replace("{row}", &row(table))
        .replace("{columns}", &table.columns.replace(' ', ", "))
        .replace("{values}", &numbered("value", table.width()))
        .replace("{key}", &table.key.replace(' ', ", "))
        .replace("{place}", &numbered("?1", table.key.split(' ').count()))
        .replace("{last}", &numbered("?2", table.key.split(' ').count()))
        .replace("{company}", table.company())
}

/// The next rows of a table, after the row with this key, and whether there may be more.
///
/// # Errors
/// D1's; also if the key is not JSON.
pub async fn page(db: &Db, table: &Table, company: Option<&str>, after: Option<&str>) -> Result<(Vec<Row>, bool)> {
    let (first, to) = range(company);
    let after = after.map_or_else(|| serde_json::to_string(&[&first]), |after| Ok(after.to_owned()))?;
    let params = [(&after).into(), (&to).into(), BACKUP_PAGE_ROWS.into(), BACKUP_PAGE_BYTES.into()];
    let rows: Vec<Row> = db.run(statement(sql::BACKUP_PAGE, table), &params).await?.rows()?;
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let has_more = rows.first().is_some_and(|row| row.found > count || row.found >= BACKUP_PAGE_ROWS);
    Ok((rows, has_more))
}

/// The running restore.
///
/// # Errors
/// D1's.
pub async fn running(db: &Db) -> Result<Option<Restore>> {
    progress::find(db, JOB).await
}

/// The SHA-256 of the file of the last restore that ended; empty if there was none.
///
/// # Errors
/// D1's.
pub async fn restored(db: &Db) -> Result<String> {
    progress::find(db, RESTORED).await
}

/// Begins a restore. `false` if one runs, or if there is something of its companies.
///
/// # Errors
/// D1's.
pub async fn begin(db: &Db, restore: &Restore) -> Result<bool> {
    let (after, to) = range(restore.company.as_deref());
    let state = serde_json::to_string(restore)?;
    Ok(db.run(sql::RESTORE_BEGIN, &[(&state).into(), (&after).into(), (&to).into()]).await?.written()? > 0)
}

/// Stores the batch of this number if it is the next one; otherwise changes nothing. Rows are a
/// JSON array.
///
/// # Errors
/// D1's; also if a row does not fit the table.
pub async fn store(db: &Db, table: &Table, (number, now_ms): (i64, i64), rows: &str, count: i64) -> Result<()> {
    let mut batch = Batch::default();
    if table.is_last() {
        batch.write(db.bind(sql::RESTORE_STAGE, &[number.into(), rows.into(), table.name.into()])?);
    } else {
        batch.write(db.bind(statement(sql::RESTORE_ROWS, table), &[number.into(), rows.into()])?);
    }
    batch.write(db.bind(sql::RESTORE_STEP, &[number.into(), count.into(), now_ms.into()])?);
    db.run_batch(batch).await.map(drop)
}

/// Deletes what a restore has stored, in steps. `false` if a later request must go on.
///
/// # Errors
/// D1's.
pub async fn abort(db: &Db, restore: &Restore) -> Result<bool> {
    let (after, to) = range(restore.company.as_deref());
    let params = [(&after).into(), (&to).into(), RESTORE_DROP_ROWS.into()];
    if db.run(sql::RESTORE_ABORT, &[(&restore.end).into(), GIVEN_UP.into()]).await?.written()? == 0 {
        // Its end has gone on meanwhile.
        return Ok(false);
    }
    for _ in 0..RESTORE_DROPS_MAX {
        let waiting = [db.bind(sql::RESTORE_DROP_WAITING, &[RESTORE_DROP_ROWS.into()])];
        let statements = TABLES.iter().map(|table| db.bind(statement(sql::RESTORE_DROP, table), &params));
        let answers = db.batch(statements.chain(waiting).collect::<Result<_>>()?).await?;
        let mut written = 0;
        for answer in answers {
            written += answer.written()?;
        }
        if written == 0 {
            db.run(sql::RESTORE_END, &[GIVEN_UP.into()]).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

impl Restore {
    /// How far its end is. `None`: it is given up.
    #[must_use]
    pub fn end_place(&self) -> Option<EndPlace> {
        EndPlace::read(&self.end)
    }
}
