//! The event names that a company's customers have sent: how often, and when last.

use serde::{Deserialize, Serialize};

use super::{Db, Result, sql};

/// How often a name was seen since it was last written down.
#[derive(Debug, Serialize)]
pub struct Tally {
    /// The event's name.
    #[serde(rename = "n")]
    pub name: String,
    /// How often.
    #[serde(rename = "k")]
    pub count: i64,
    /// When last, ms by our clock.
    #[serde(rename = "t")]
    pub last_ms: i64,
}

/// Adds to what was seen.
///
/// # Errors
/// D1's.
pub async fn add(db: &Db, company: &str, tallies: &[Tally]) -> Result<()> {
    db.run(sql::CATALOG_COUNT, &[company.into(), (&serde_json::to_string(tallies)?).into()]).await.map(drop)
}

/// A name in the catalogue.
#[derive(Debug, Deserialize)]
pub struct Name {
    /// The event's name.
    pub name: String,
    /// How often it was seen.
    pub seen: i64,
    /// When last, ms.
    pub last_at: i64,
}

/// A company's names after `after`, in the order of their bytes.
///
/// # Errors
/// D1's.
pub async fn list(db: &Db, company: &str, after: &str, limit: i64) -> Result<Vec<Name>> {
    db.run(sql::CATALOG_LIST, &[company.into(), after.into(), limit.into()]).await?.rows()
}
