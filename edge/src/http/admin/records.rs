//! What belongs to a user: `GET /api/admin/users/{id}/records`, and the `include…` of every route that shows users.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use trackmate_wire::limits::{RECORD_KINDS_MAX, RECORDS_ITEMS_MAX};
use trackmate_wire::problem::{Code, Problem};

use crate::domain::belongings::{Belongings, Included, Shown, show};
use crate::domain::person::{Person, User};
use crate::domain::record::is_kind;
use crate::error::Error;
use crate::http::admin::users::find;
use crate::http::auth;
use crate::http::context::Call;
use crate::http::pagination::{self, Pagination};
use crate::http::response::HandlerResult;
use crate::store::list_bytes;
use crate::store::records::{self, Part, Place};

/// A user with what was asked for of what is theirs.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct UserWith {
    #[serde(flatten)]
    user: User,
    #[serde(flatten)]
    belongings: Option<Belongings>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RecordPage"))]
pub(crate) struct Page {
    success: bool,
    records: Vec<Shown>,
    pagination: Pagination,
}

/// Parameters that say what of theirs to bring with users.
pub(crate) const PARAMETERS: [&str; 5] =
    ["include", "includeBookings", "includeQRCodes", "includeInteractions", "includeConversations"];

/// `?includeBookings&includeQRCodes&includeInteractions&includeConversations`, each `true` or `false`, and `?include=kind,kind`.
pub(crate) fn included(call: &Call) -> Result<Included, Problem> {
    let asked = |field: &'static str| match call.query(field).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::field(Code::InvalidField, field, format!("{field} is true or false"))),
    };
    Ok(Included {
        bookings: asked("includeBookings")?,
        qr_codes: asked("includeQRCodes")?,
        interactions: asked("includeInteractions")?,
        conversations: asked("includeConversations")?,
        kinds: kinds(call, "include")?.unwrap_or_default(),
    })
}

/// A list of kinds, separated by commas.
fn kinds(call: &Call, field: &'static str) -> Result<Option<BTreeSet<String>>, Problem> {
    let Some(text) = call.query(field) else { return Ok(None) };
    let kinds: BTreeSet<String> = text.split(',').map(|kind| kind.trim().to_owned()).collect();
    if kinds.len() > RECORD_KINDS_MAX || !kinds.iter().all(|kind| is_kind(kind)) {
        let message = format!("{field} is at most {RECORD_KINDS_MAX} kinds of records, separated by commas");
        return Err(Problem::field(Code::InvalidField, field, message));
    }
    Ok(Some(kinds))
}

/// The users with what is asked for of what is theirs: one question more, if anything is.
pub(crate) async fn shown(call: &Call, people: &[Person], included: &Included) -> Result<Vec<UserWith>, Error> {
    let Some(company) = people.first().map(|person| &person.company) else { return Ok(Vec::new()) };
    let ids: Vec<&str> = people.iter().map(|person| person.id.as_str()).collect();
    let db = call.db(Some(company))?;
    Ok(with(people, records::belongings(db, company, &ids, included, included.most(ids.len())).await?))
}

/// The users with what was read of what is theirs.
pub(crate) fn with(people: &[Person], mut belongings: BTreeMap<String, Belongings>) -> Vec<UserWith> {
    people.iter().map(|p| UserWith { user: p.user(), belongings: belongings.remove(&p.id) }).collect()
}

/// `GET /api/admin/users/{id}/records?kind&limit&cursor` → `{success, records:[…], pagination}`: those first that were last told of.
pub(crate) async fn list(call: &Call, admin: auth::Admin, id: &str) -> HandlerResult {
    let limit = pagination::limit(call, RECORDS_ITEMS_MAX)?;
    let kinds = kinds(call, "kind")?.map(|kinds| serde_json::to_string(&kinds)).transpose()?;
    let after = pagination::cursor(call, read_place)?;
    let profile = find(call, &admin.company, id).await?;
    let db = call.db(Some(&admin.company))?;
    let (ids, rows) = ([profile.id.as_str()], pagination::rows(limit));
    let part = Part::Page(rows, after.as_ref());
    let mut listed = records::list(db, &admin.company, &ids, kinds.as_deref(), part, list_bytes()).await?;
    let whole = listed.iter().take_while(|l| l.record.is_some()).count();
    let is_early = whole < listed.len();
    listed.truncate(whole);
    let cursor = |l: &records::Listed| pagination::write_cursor(&write_place(&l.place));
    let pagination = Pagination::ended(&mut listed, limit, is_early, cursor);
    let records = listed.iter().filter_map(|l| l.record.as_ref()).map(show).collect::<serde_json::Result<_>>()?;
    Ok(serde_json::to_string(&Page { success: true, records, pagination })?)
}

/// `<ts>.<kind>.<id>`: a kind has no full stop.
fn write_place(place: &Place) -> String {
    format!("{}.{}.{}", place.ts, place.kind, place.id)
}

fn read_place(text: &str) -> Option<Place> {
    let mut parts = text.splitn(3, '.');
    let ts = parts.next()?.parse().ok()?;
    let kind = parts.next().filter(|kind| is_kind(kind))?.to_owned();
    Some(Place { ts, kind, id: parts.next()?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_text() {
        let place = Place { ts: 5, kind: "order".into(), id: "a.b".into() };
        assert_eq!(read_place(&write_place(&place)), Some(place));
        assert_eq!(read_place("5..a"), None);
    }
}
