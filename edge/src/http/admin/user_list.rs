//! `GET /api/admin/users`: lists a company's people, with filters, search, order and pages.

use serde::Serialize;
use serde_json::Value;
use trackmate_wire::api::Pagination;
use trackmate_wire::limits::{NAME_CHARS_MAX, OFFSET_MAX, TOTAL_MAX, USERS_ITEMS_MAX};
use trackmate_wire::problem::{Code, Problem};

use crate::domain::clock;
use crate::domain::listing::{Sort, Wanted};
use crate::domain::person::PLATFORMS;
use crate::domain::search::search;
use crate::error::Error;
use crate::export::user::UserWith;
use crate::http::admin::records;
use crate::http::auth;
use crate::http::context::RequestContext;
use crate::http::pagination;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::people::identity_key::address;
use crate::people::identity_key::external;
use crate::runtime::random;
use crate::runtime::secrets::vault;
use crate::store::listing::{self, Listed, Part, Place};
use crate::store::{Page, people};

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct UserFound {
    users: Vec<UserWith>,
    pagination: Pagination,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct UserList {
    users: Vec<UserWith>,
    pagination: ListPagination,
}

/// `pagination` of the list.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct ListPagination {
    total: Total,
    limit: usize,
    offset: i64,
    has_more: bool,
    next_cursor: Option<String>,
}

/// How many there are in all: exact as far as it is counted.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum Total {
    Exact(i64),
    Least { value: i64, relation: &'static str },
}

/// Parameters of the list of users, without those that add records ([`records::PARAMETERS`]).
pub(crate) const PARAMETERS: [&str; 15] = [
    "limit",
    "offset",
    "cursor",
    "sortBy",
    "sortOrder",
    "email",
    "externalId",
    "createdAfter",
    "createdBefore",
    "updatedAfter",
    "hasTag",
    "optedIn",
    "search",
    "exportConsentOnly",
    "customField[",
];

/// `GET /api/admin/users?limit&offset|cursor&createdAfter&createdBefore&updatedAfter&hasTag
/// &customField[name]&optedIn&search&sortBy&sortOrder&exportConsentOnly` → `{success, users:[…],
/// pagination:{total, limit, offset, hasMore, nextCursor}}`. A cursor works only with the filters
/// and the order of the request that returned it. `?email=` or `?externalId=` finds one user, with
/// `{limit, hasMore, nextCursor}`. The parameters `include…` add records to each user.
pub(crate) async fn list(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let db = cx.db(&admin.company)?;
    let limit = pagination::limit(cx, USERS_ITEMS_MAX)?;
    let included = records::included(cx)?;
    let key = match (cx.query("email"), cx.query("externalId")) {
        (Some(email), _) => Some(address(&email)?),
        (None, Some(id)) => Some(external(&id)?),
        (None, None) => None,
    };
    if let Some(key) = key {
        let mut profiles = people::by_address(db, &admin.company, &key).await?;
        let pagination = pagination::cut(&mut profiles, limit, |p| pagination::write_cursor(&p.id));
        let people = profiles.iter().map(|p| p.person(&admin.company)).collect::<Result<Vec<_>, _>>()?;
        let users = records::with_records(cx, &people, &included).await?;
        return response::answer(&UserFound { users, pagination });
    }
    let filter = filter(cx)?;
    let offset = offset(cx)?;
    let seal = format!("users of {} {}", admin.company, serde_json::to_string(&filter)?);
    let after = cursor(cx, &seal)?;
    let part = Part { after, limit: pagination::rows(limit), offset };
    let (Page { items: mut listed, is_early }, total) = listing::page(db, &admin.company, &filter, &part).await?;
    let has_more = is_early || listed.len() > limit;
    listed.truncate(limit);
    let next_cursor = match listed.last().filter(|_| has_more) {
        Some(Listed { key, profile }) => {
            let position = serde_json::to_string(&(key, &profile.id, total))?;
            Some(pagination::write_cursor(&vault(cx.env())?.seal(&seal, &position, random::bytes())))
        }
        None => None,
    };
    let total =
        if total <= TOTAL_MAX { Total::Exact(total) } else { Total::Least { value: TOTAL_MAX, relation: "gte" } };
    let people = listed.iter().map(|l| l.profile.person(&admin.company)).collect::<Result<Vec<_>, _>>()?;
    let users = records::with_records(cx, &people, &included).await?;
    let pagination = ListPagination { total, limit, offset, has_more, next_cursor };
    response::answer(&UserList { users, pagination })
}

/// Reads `?offset=`.
fn offset(cx: &RequestContext) -> Result<i64, Problem> {
    let Some(text) = cx.query("offset") else { return Ok(0) };
    let offset = text.parse().ok().filter(|n| (0..=OFFSET_MAX).contains(n));
    let offset: i64 = offset.ok_or_else(|| {
        let message = format!("offset is a number from 0 to {OFFSET_MAX}; a cursor goes further");
        Problem::field(Code::InvalidField, "offset", message)
    })?;
    if offset > 0 && cx.filled_query("cursor").is_some() {
        return Err(Problem::field(Code::InvalidField, "offset", "offset and cursor exclude each other"));
    }
    Ok(offset)
}

/// Reads `?cursor=`. The seal proves that this deployment made it, for this company, these filters
/// and this order.
fn cursor(cx: &RequestContext, seal: &str) -> Result<Option<Place>, Error> {
    if cx.filled_query("cursor").is_none() {
        return Ok(None);
    }
    let vault = vault(cx.env())?;
    let read = |sealed: &str| {
        let (key, id, total) = serde_json::from_str(&vault.open_sealed(seal, sealed).ok()?).ok()?;
        Some(Place { key, id, total })
    };
    Ok(pagination::cursor(cx, read)?)
}

/// Reads the filters and the order of the query.
pub(crate) fn filter(cx: &RequestContext) -> Result<Wanted, Problem> {
    let invalid = |field, message: &str| Problem::field(Code::InvalidField, field, message);
    let mut filter = Wanted::default();
    for (name, text) in cx.queries() {
        let time = |field| {
            clock::parse(&Value::String(text.clone())).map(Some).ok_or_else(|| {
                Problem::field(Code::InvalidTimestamp, field, format!("{field} is ISO 8601 or epoch milliseconds"))
            })
        };
        match name.as_str() {
            "createdAfter" => filter.created_from = time("createdAfter")?,
            "createdBefore" => filter.created_before = time("createdBefore")?,
            "updatedAfter" => filter.updated_from = time("updatedAfter")?,
            "hasTag" => filter.tags.push(text),
            "optedIn" if PLATFORMS.contains(&text.as_str()) => filter.opted_in = Some(text),
            "optedIn" => return Err(invalid("optedIn", "optedIn is messenger, instagram, whatsapp or telegram")),
            "exportConsentOnly" => {
                let message = "exportConsentOnly is true or false";
                filter.consented = text.parse().map_err(|_| invalid("exportConsentOnly", message))?;
            }
            "search" => {
                let bounded = text.chars().count() <= NAME_CHARS_MAX && search(&text).is_some();
                let message = "search has a letter or digit and at most 200 characters";
                filter.search = Some(text).filter(|_| bounded);
                filter.search.as_ref().ok_or_else(|| invalid("search", message))?;
            }
            "sortBy" => {
                let message = "sortBy is createdAt, updatedAt, firstName or lastName";
                filter.sort = Some(Sort::named(&text).ok_or_else(|| invalid("sortBy", message))?);
            }
            "sortOrder" => {
                let known = text == "asc" || text == "desc";
                filter.descending = known && text == "desc";
                known.then_some(()).ok_or_else(|| invalid("sortOrder", "sortOrder is asc or desc"))?;
            }
            field => {
                if let Some(field) = field.strip_prefix("customField[").and_then(|f| f.strip_suffix(']')) {
                    filter.fields.insert(field.to_owned(), text);
                }
            }
        }
    }
    Ok(filter)
}
