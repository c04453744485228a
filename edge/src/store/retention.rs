//! Forgetting events: a slice of them at a time, with their deliveries and attempts, taken off every count. For an erased person, and for companies that keep
//! events for a time only.

use serde::Deserialize;
use serde_json::json;
use trackmate_wire::limits::{RETAIN_EVENTS_MAX, RETAIN_SLICES_MAX};

use super::{Db, Result, Statement, sql};

/// The statements that forget these events (a JSON array of `{s source, i message id}`), in their order, each with the kind of row it deletes if somebody
/// counts those. Of a `profile` only what is theirs.
///
/// To have another table forget what lies at an event: a statement on `doomed` here, before the events go.
#[must_use]
pub fn forgetting(company: &str, ids: &str, profile: Option<&str>) -> [(Option<&'static str>, Statement); 6] {
    let forget = |sql| Statement::new(sql, json!([company, ids, profile]));
    [
        (Some("attempts"), forget(sql::ATTEMPTS_FORGET)),
        (Some("deliveries"), forget(sql::DELIVERIES_FORGET)),
        (None, forget(sql::INCOMING_FORGET)),
        (None, forget(sql::LINKS_FORGET)),
        (None, forget(sql::LINKS_PRUNE)),
        (Some("events"), forget(sql::EVENTS_FORGET)),
    ]
}

#[derive(Deserialize)]
struct Progress {
    place: String,
}

#[derive(Deserialize)]
struct Old {
    company: String,
    ids: String,
    place: Option<String>,
}

/// Deletes events that came in longer ago than their company keeps them: some slices, from where the last run stopped, and from the start when it was through.
/// Serves the sweep; hence no company.
///
/// # Errors
/// D1's; the next run goes on after the last slice.
pub async fn prune(db: &Db, now_ms: i64) -> Result<()> {
    const JOB: &str = "prune events";
    let found: Option<Progress> = db.run(sql::PROGRESS_FIND, &[JOB.into()]).await?.first()?;
    let start = || (String::new(), -1, String::new());
    let (mut company, mut source, mut id): (String, i64, String) =
        found.and_then(|p| serde_json::from_str(&p.place).ok()).unwrap_or_else(start);
    for _ in 0..RETAIN_SLICES_MAX {
        let slice = [(&company).into(), source.into(), (&id).into(), now_ms.into(), RETAIN_EVENTS_MAX.into()];
        let old: Option<Old> = db.run(sql::EVENTS_OLD, &slice).await?.first()?;
        let through = old.is_none();
        let mut batch = Vec::new();
        (company, source, id) = match old {
            None if company.is_empty() => return Ok(()), // Nobody asks for it.
            None => start(),
            Some(old) => {
                if old.ids != "[]" {
                    let statements = forgetting(&old.company, &old.ids, None).map(|(_, statement)| statement);
                    batch.extend(db.bind_all(&statements)?);
                }
                // Without a place the company is through: 2 lies behind its last event.
                let end = || (2, String::new());
                let (source, id) = old.place.and_then(|p| serde_json::from_str(&p).ok()).unwrap_or_else(end);
                (old.company, source, id)
            }
        };
        let place = serde_json::to_string(&(&company, source, &id))?;
        batch.push(db.bind(sql::PROGRESS_SET, &[JOB.into(), (&place).into()])?);
        db.batch(batch).await?;
        if through {
            break;
        }
    }
    Ok(())
}
