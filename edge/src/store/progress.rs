//! The progress of jobs that work through a table in slices. Takes no company: these jobs serve all
//! companies.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Bound, Db, Result, sql};

#[derive(Deserialize)]
struct Progress {
    place: String,
}

/// The place where a job goes on. The default is returned before its first run, or if an earlier
/// release wrote another form.
///
/// # Errors
/// D1's.
pub async fn find<T: DeserializeOwned + Default>(db: &Db, job: &str) -> Result<T> {
    let found: Option<Progress> = db.run(sql::PROGRESS_FIND, &[job.into()]).await?.first()?;
    Ok(found.and_then(|p| serde_json::from_str(&p.place).ok()).unwrap_or_default())
}

/// The statement that stores where a job goes on.
///
/// # Errors
/// When D1 refuses a parameter.
pub fn set(db: &Db, job: &str, place: &impl Serialize) -> Result<Bound> {
    db.bind(sql::PROGRESS_SET, &[job.into(), (&serde_json::to_string(place)?).into()])
}
