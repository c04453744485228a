//! The directory: where new companies go, and what is known of each cell. Only the first cell has
//! it, so every function but the last takes that cell's database. No function takes a company whose
//! data it reads.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trackmate_wire::limits::COMPANIES_COUNTED_MAX;
use worker::Env;

use super::{Batch, Db, Result, cells, schema, sql};
use crate::domain::metrics::Measured;
use crate::domain::outage::FULL_PERCENT;
use crate::vars;

/// What the deployment declares of a cell: the variable `CELLS` has one for each name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Declared {
    /// Where its data stay.
    pub jurisdiction: Option<String>,
    /// Where it is.
    pub region: Option<String>,
}

/// All cells with what the variable `CELLS` declares of them. If it cannot be read, it declares
/// nothing.
#[must_use]
pub fn declared(env: &Env) -> BTreeMap<String, Declared> {
    let text = vars::text(env, "CELLS").unwrap_or_default();
    let mut declared: BTreeMap<String, Declared> = serde_json::from_str(&text).unwrap_or_default();
    let name = |cell: &Rc<str>| (cell.to_string(), declared.remove(&**cell).unwrap_or_default());
    cells::all(env).iter().map(name).collect()
}

/// Which cell a new company may be in.
#[derive(Debug, Default)]
pub struct Wish {
    /// This one.
    pub cell: Option<String>,
    /// One whose data stay there.
    pub jurisdiction: Option<String>,
    /// One there.
    pub region: Option<String>,
}

#[derive(Deserialize)]
struct Chosen {
    cell: String,
}

/// The emptiest open cell, of the declared, that fits; `None` if there is none.
///
/// # Errors
/// D1's.
pub async fn choose(db: &Db, wish: &Wish, declared: &BTreeMap<String, Declared>) -> Result<Option<String>> {
    let Wish { cell, jurisdiction, region } = wish;
    let bound = serde_json::to_string(declared)?;
    let params = [cell.as_ref().into(), jurisdiction.as_ref().into(), region.as_ref().into(), (&bound).into()];
    let chosen: Option<Chosen> = db.run(sql::CELL_CHOOSE, &params).await?.first()?;
    Ok(chosen.map(|chosen| chosen.cell))
}

/// Stores the cell of a new company and the hashes of its keys. → Its cell, which an earlier
/// request for the same company may have chosen; `None` if it is in the first cell.
///
/// # Errors
/// D1's.
pub async fn place(db: &Db, company: &str, cell: &str, hashes: &[&str], now_ms: i64) -> Result<Option<String>> {
    let hashes = serde_json::to_string(hashes)?;
    let mut batch = Batch::default();
    let chosen = batch.read::<Chosen>(db.bind(sql::PLACE_SET, &[company.into(), cell.into(), now_ms.into()])?);
    batch.write(db.bind(sql::KEY_PLACE_SET, &[company.into(), (&hashes).into()])?);
    Ok(db.run_batch(batch).await?.first(&chosen)?.map(|chosen| chosen.cell))
}

/// Stores the company of a new key, if the company is not in the first cell.
///
/// # Errors
/// D1's.
pub async fn note_key(db: &Db, company: &str, hash: &str) -> Result<()> {
    let hashes = json!([hash]).to_string();
    db.run(sql::KEY_PLACE_SET, &[company.into(), (&hashes).into()]).await.map(drop)
}

/// What the sweep of a cell saw.
#[derive(Debug, Clone)]
pub struct Seen {
    measured: Measured,
    companies: i64,
    schema: u32,
    bytes: i64,
}

#[derive(Deserialize)]
struct Count {
    companies: i64,
}

/// Measures a cell. Takes the cell's database.
///
/// # Errors
/// D1's.
pub async fn look(cell: &Db, measured: Measured) -> Result<Seen> {
    let count: Option<Count> = cell.run(sql::CELL_COUNT, &[COMPANIES_COUNTED_MAX.into()]).await?.first()?;
    let schema = schema::applied(cell).await?;
    Ok(Seen { measured, companies: count.map_or(0, |count| count.companies), schema, bytes: cell.bytes() })
}

/// Writes what the sweep of a cell saw, or why it failed.
///
/// # Errors
/// D1's.
pub async fn note(
    db: &Db,
    (cell, declared): (&str, &Declared),
    seen: std::result::Result<&Seen, &str>,
    now_ms: i64,
) -> Result<()> {
    let Declared { jurisdiction, region } = declared;
    let (seen, error) = match seen {
        Ok(seen) => (Some(seen), None),
        Err(error) => (None, Some(error)),
    };
    let gauges = seen.map(|seen| serde_json::to_string(&seen.measured)).transpose()?;
    let number = |of: fn(&Seen) -> i64| seen.map(of);
    let params = [
        cell.into(),
        jurisdiction.as_ref().into(),
        region.as_ref().into(),
        now_ms.into(),
        error.into(),
        gauges.as_ref().into(),
        number(|seen| seen.companies).into(),
        number(|seen| seen.bytes).into(),
        number(|seen| seen.schema.into()).into(),
        (db.bytes_max() / 100 * FULL_PERCENT).into(),
    ];
    db.run(sql::CELL_NOTE, &params).await.map(drop)
}

#[derive(Deserialize)]
struct Gauged {
    bytes: i64,
    gauges: Option<String>,
}

/// The sum of what the other cells measured last, and the bytes of the fullest.
///
/// # Errors
/// D1's.
pub async fn others(db: &Db) -> Result<(Measured, i64)> {
    let cells: Vec<Gauged> = db.run(sql::CELL_GAUGES, &[]).await?.rows()?;
    let measured = |cell: &Gauged| cell.gauges.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let sum = cells.iter().filter_map(measured).fold(Measured::default(), Measured::plus);
    Ok((sum, cells.iter().map(|cell| cell.bytes).max().unwrap_or_default()))
}

/// Whether a company is being copied to a cell, or switched to another. Takes the cell's database.
///
/// # Errors
/// D1's.
pub async fn has_move(cell: &Db) -> Result<bool> {
    Ok(cell.run(sql::AWAY_MOVING, &[]).await?.first::<Value>()?.is_some())
}
