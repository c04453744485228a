//! Deletes events in slices, with their deliveries and attempts, and takes them off all counts. It
//! serves erasures, and companies that delete events after some days.

use serde::Deserialize;
use serde_json::json;
use trackmate_wire::limits::{RETAIN_EVENTS_MAX, RETAIN_SLICES_MAX};

use super::{Db, Result, Statement, progress, sql};

/// The statements that delete these events (a JSON array of `{s source, i message id}`), in their
/// order. Each has the kind of its rows if these are counted. With `profile`, only what this person
/// owns is deleted.
///
/// To delete the rows of another table with their event: add a statement on `doomed` here, before
/// the one that deletes the events.
#[must_use]
pub fn forgetting(company: &str, ids: &str, profile: Option<&str>) -> [(Option<&'static str>, Statement); 6] {
    let forget = |sql| Statement::new(sql, json!([company, ids, profile]));
    [
        (None, forget(sql::ATTEMPTS_FORGET)),
        (Some("deliveries"), forget(sql::DELIVERIES_FORGET)),
        (None, forget(sql::INCOMING_FORGET)),
        (None, forget(sql::LINKS_FORGET)),
        (None, forget(sql::LINKS_PRUNE)),
        (Some("events"), forget(sql::EVENTS_FORGET)),
    ]
}

#[derive(Deserialize)]
struct Old {
    company: String,
    ids: String,
    place: Option<String>,
}

/// Deletes events that are older than their company's `event_days`. A run takes some slices, and
/// the companies take turns. Each company goes on where its last slice ended, and begins again
/// after the last of its events. Takes no company: the sweep serves all companies.
///
/// # Errors
/// D1's; the next run goes on after the last slice.
pub async fn prune(db: &Db, now_ms: i64) -> Result<()> {
    let mut last: String = progress::find(db, JOB).await?;
    let mut through: Vec<String> = Vec::new();
    for _ in 0..RETAIN_SLICES_MAX {
        let slice = [(&last).into(), now_ms.into(), RETAIN_EVENTS_MAX.into()];
        let Some(old): Option<Old> = db.run(sql::EVENTS_OLD, &slice).await?.first()? else { break };
        if through.contains(&old.company) {
            break;
        }
        let statements = slices(&old.company, &old.ids, old.place.as_deref())?;
        db.batch(db.bind_all(&statements)?).await?;
        last.clone_from(&old.company);
        if old.place.is_none() {
            through.push(old.company);
        }
    }
    Ok(())
}

/// The job whose progress is the company served last.
const JOB: &str = "prune events";

/// The statements that delete a slice of a company's old events and store the place of its next
/// slice. Without a place, the next slice begins at the first event.
///
/// # Errors
/// When a place cannot be written as JSON.
pub fn slices(company: &str, ids: &str, place: Option<&str>) -> Result<Vec<Statement>> {
    let mut statements = Vec::new();
    if ids != "[]" {
        statements.extend(forgetting(company, ids, None).map(|(_, statement)| statement));
    }
    let set = |job: &str, place: &str| Statement::new(sql::PROGRESS_SET, json!([job, place]));
    statements.push(set(&format!("prune events of {company}"), place.unwrap_or("[-1,\"\"]")));
    statements.push(set(JOB, &serde_json::to_string(company)?));
    Ok(statements)
}
