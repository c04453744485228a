//! `alias` events of the server API: `{previousId, userId}` merges the two people of these ids. A
//! page's `alias` event merges nobody and is stored like any event.

use serde::Deserialize;
use trackmate_wire::api::Warning;
use trackmate_wire::limits::ALIASES_MAX;
use trackmate_wire::problem::Code;

use crate::domain::compat;
use crate::domain::event::Row;
use crate::domain::secret::Scope;
use crate::error::Error;
use crate::ingest::context::IngestContext;
use crate::people::identity_key::address;
use crate::people::identity_key::user;
use crate::people::merge;
use crate::store::{identity_keys, ingest, people};

/// The event's name.
const EVENT: &str = "alias";

/// Warnings about aliases that merged nobody.
const NOBODY: Warning =
    Warning::new("alias_unknown", "an alias names somebody who is not known, or no two ids; nothing was merged");
const REFUSED: Warning = Warning::new(
    "alias_refused",
    "an alias names somebody who was erased, two whom an admin parted, \
     or more profiles than can stand as one; nothing was merged",
);
const TOO_MANY: Warning =
    Warning::new("alias_skipped", "a request has too many aliases; only the first were acted upon");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alias {
    #[serde(default, deserialize_with = "compat::id")]
    previous_id: Option<String>,
    #[serde(default, deserialize_with = "compat::id")]
    user_id: Option<String>,
}

/// Whether one of these events is an `alias`.
pub(crate) fn has_alias(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.name == EVENT)
}

/// Merges two people for each of these events that is an `alias` of two known people. Each is named
/// by profile id, user id or email address; the person of `userId` remains. An alias that is stored
/// already is skipped, so that a repeat does not merge again what was unmerged. It must run before
/// the events are stored: after a failure half-way a repeat then merges. → The warnings; `None`
/// without an alias, which costs no query.
///
/// # Errors
/// `busy` after too many conflicts; D1's.
pub(crate) async fn merge_aliases(
    cx: &IngestContext,
    company: &str,
    rows: &[Row],
) -> Result<Option<Vec<Warning>>, Error> {
    let named: Vec<&Row> = rows.iter().filter(|row| row.name == EVENT).collect();
    if named.is_empty() {
        return Ok(None);
    }
    let mut warnings = Vec::new();
    let ids: Vec<&str> = named.iter().map(|row| row.id.as_str()).collect();
    let known = ingest::known(cx.db(company)?, company, &ids).await?;
    let fresh = named.into_iter().filter(|row| !known.contains(&row.id));
    for (position, row) in fresh.enumerate() {
        let warning = if position < ALIASES_MAX { merge_one(cx, company, row).await? } else { Some(TOO_MANY) };
        warnings.extend(warning.filter(|new: &Warning| !warnings.iter().any(|w: &Warning| w.code == new.code)));
    }
    Ok(Some(warnings))
}

async fn merge_one(cx: &IngestContext, company: &str, row: &Row) -> Result<Option<Warning>, Error> {
    let alias = serde_json::from_str::<Alias>(row.data.get()).ok();
    let Some((Some(previous), Some(user))) = alias.map(|alias| (alias.previous_id, alias.user_id)) else {
        return Ok(Some(NOBODY));
    };
    if previous == user {
        return Ok(None);
    }
    let (Some(from), Some(into)) = (known(cx, company, &previous).await?, known(cx, company, &user).await?) else {
        return Ok(Some(NOBODY));
    };
    match merge::join(cx, company, &into, &from, Scope::Server).await {
        Ok(true) => Ok(None),
        Ok(false) => Ok(Some(REFUSED)),
        Err(error) if matches!(error.code(), Code::ErasedUser | Code::LimitReached) => Ok(Some(REFUSED)),
        Err(error) => Err(error),
    }
}

/// The profile of a person, by profile id, user id or email address.
async fn known(cx: &IngestContext, company: &str, id: &str) -> Result<Option<String>, Error> {
    let db = cx.db(company)?;
    if address(id).is_err()
        && let Some(profile) = people::profile(db, company, id).await?
    {
        return Ok(Some(profile.id));
    }
    let Ok(key) = user(id) else { return Ok(None) };
    Ok(identity_keys::owner(db, company, &key).await?.map(|owner| owner.profile))
}
