//! `GET /api/admin/events/catalog`: the known event names. These are the names that TrackMate
//! defines, and the names that the company has sent.

use serde::Serialize;
use serde_json::value::RawValue;
use trackmate_wire::limits::CATALOG_SOURCE_NAMES_MAX;

use crate::domain::clock;
use crate::domain::known::{self, Known};
use crate::domain::source::Source;
use crate::http::auth;
use crate::http::context::RequestContext;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::store::catalog;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct CatalogEntry<'a> {
    name: &'a str,
    description: Option<&'static str>,
    example: Option<Box<RawValue>>,
    /// Whether TrackMate or its documents know it.
    builtin: bool,
    /// When the company last sent such an event, to the hour. What TrackMate itself tells of is not
    /// sent.
    last_seen_at: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Catalog<'a> {
    events: Vec<CatalogEntry<'a>>,
    /// Whether there is no room left for further names of the company's pages, or of its servers.
    has_more: bool,
}

/// `GET /api/admin/events/catalog` → `{success, events:[{name, description, example, builtin,
/// lastSeenAt}], hasMore}`: the names that TrackMate defines, then the company's, the last seen
/// first.
pub(crate) async fn get(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let seen = catalog::list(cx.db(&admin.company)?, &admin.company).await?;
    let count = |source| seen.iter().filter(|s| s.source == source).count();
    let is_full = |source| i64::try_from(count(source)).is_ok_and(|n| n >= CATALOG_SOURCE_NAMES_MAX);
    let has_more = Source::ALL.into_iter().any(is_full);
    let mut events = Vec::new();
    for Known { name, description, data } in known::EVENTS {
        let found = seen.iter().find(|s| s.name == *name);
        events.push(CatalogEntry {
            name,
            description: Some(description),
            example: Some(RawValue::from_string(known::example(name, data))?),
            builtin: true,
            last_seen_at: found.map(|s| clock::iso(s.last_at)),
        });
    }
    for custom in seen.iter().filter(|s| !known::EVENTS.iter().any(|k| k.name == s.name)) {
        events.push(CatalogEntry {
            name: &custom.name,
            description: None,
            example: None,
            builtin: false,
            last_seen_at: Some(clock::iso(custom.last_at)),
        });
    }
    response::answer(&Catalog { events, has_more })
}
