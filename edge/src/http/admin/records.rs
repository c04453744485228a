//! The records of a user: `GET /api/admin/users/{id}/records`, and the parameters `include…` of
//! every route that shows users.

use std::collections::BTreeSet;

use serde::Serialize;
use trackmate_wire::api::Pagination;
use trackmate_wire::limits::{RECORD_KINDS_MAX, RECORDS_ITEMS_MAX};
use trackmate_wire::problem::{Code, Problem};

use crate::domain::person::Person;
use crate::domain::person_records::{Included, Shown, show};
use crate::domain::record::is_kind;
use crate::error::Error;
use crate::export::user::{UserWith, with};
use crate::http::auth;
use crate::http::context::RequestContext;
use crate::http::pagination;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::people::find::find;
use crate::store::records::{self, Part, Place};

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RecordPage {
    records: Vec<Shown>,
    pagination: Pagination,
}

/// Parameters that add records to users.
pub(crate) const PARAMETERS: [&str; 5] =
    ["include", "includeBookings", "includeQRCodes", "includeInteractions", "includeConversations"];

/// Reads `?includeBookings&includeQRCodes&includeInteractions&includeConversations`, each `true` or
/// `false`, and `?include=kind,kind`.
pub(crate) fn included(cx: &RequestContext) -> Result<Included, Problem> {
    Ok(Included {
        bookings: cx.query_flag("includeBookings")?,
        qr_codes: cx.query_flag("includeQRCodes")?,
        interactions: cx.query_flag("includeInteractions")?,
        conversations: cx.query_flag("includeConversations")?,
        kinds: kinds(cx, "include")?.unwrap_or_default(),
    })
}

/// Reads a list of kinds, separated by commas.
fn kinds(cx: &RequestContext, field: &'static str) -> Result<Option<BTreeSet<String>>, Problem> {
    let Some(text) = cx.query(field) else { return Ok(None) };
    let kinds: BTreeSet<String> = text.split(',').map(|kind| kind.trim().to_owned()).collect();
    if kinds.len() > RECORD_KINDS_MAX || !kinds.iter().all(|kind| is_kind(kind)) {
        let message = format!("{field} is at most {RECORD_KINDS_MAX} kinds of records, separated by commas");
        return Err(Problem::field(Code::InvalidField, field, message));
    }
    Ok(Some(kinds))
}

/// Adds the requested records to users. Costs one more query if any record is requested.
pub(crate) async fn with_records(
    cx: &RequestContext,
    people: &[Person],
    included: &Included,
) -> Result<Vec<UserWith>, Error> {
    let Some(company) = people.first().map(|person| &person.company) else { return Ok(Vec::new()) };
    let ids: Vec<&str> = people.iter().map(|person| person.id.as_str()).collect();
    let db = cx.db(company)?;
    Ok(with(people, records::of_people(db, company, &ids, included, included.most(ids.len())).await?))
}

/// `GET /api/admin/users/{id}/records?kind&limit&cursor` → `{success, records:[…], pagination}`,
/// the last updated first.
pub(crate) async fn list(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let limit = pagination::limit(cx, RECORDS_ITEMS_MAX)?;
    let kinds = kinds(cx, "kind")?.map(|kinds| serde_json::to_string(&kinds)).transpose()?;
    let after = pagination::cursor(cx, read_position)?;
    let profile = find(cx, &admin.company, id).await?;
    let db = cx.db(&admin.company)?;
    let part = Part::Page { most: pagination::rows(limit), after: after.as_ref() };
    let mut listed = records::list(db, &admin.company, &[&profile.id], kinds.as_deref(), part).await?;
    let whole = listed.iter().take_while(|l| l.record.is_some()).count();
    let is_early = whole < listed.len();
    listed.truncate(whole);
    let cursor = |l: &records::Listed| pagination::write_cursor(&write_position(&l.place));
    let pagination = pagination::cut_early(&mut listed, limit, is_early, cursor);
    let records = listed.iter().filter_map(|l| l.record.as_ref()).map(show).collect::<serde_json::Result<_>>()?;
    response::answer(&RecordPage { records, pagination })
}

/// Writes the position of a record in a list: `<ts>.<kind>.<id>`. A kind has no full stop.
fn write_position(position: &Place) -> String {
    format!("{}.{}.{}", position.ts, position.kind, position.id)
}

/// Reads the position of a record in a list.
fn read_position(text: &str) -> Option<Place> {
    let mut parts = text.splitn(3, '.');
    let ts = parts.next()?.parse().ok()?;
    let kind = parts.next().filter(|kind| is_kind(kind))?.to_owned();
    Some(Place { ts, kind, id: parts.next()?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_of_a_record_survives_writing_and_reading() {
        let position = Place { ts: 5, kind: "order".into(), id: "a.b".into() };
        assert_eq!(read_position(&write_position(&position)), Some(position));
        assert_eq!(read_position("5..a"), None);
    }
}
