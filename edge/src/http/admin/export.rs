//! `GET /api/admin/export/…` and `GET /api/admin/users/{id}/export`: reads the parameters of an
//! export and starts it. [`crate::export::run`] runs it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use trackmate_wire::hex::hex;
use trackmate_wire::limits::{EXPORT_FIELDS_MAX, EXPORT_PAGE_BYTES, EXPORTS_RUNNING_MAX, RECORDS_LIST_MAX};
use trackmate_wire::problem::{Code, Problem};
use worker::Response;

use crate::domain::clock;
use crate::domain::export::{Format, Kind, Writer};
use crate::domain::incoming::{MASK, name_kept};
use crate::domain::listing::Wanted;
use crate::domain::person_records::show;
use crate::domain::source::Source;
use crate::error::Error;
use crate::export::run::{self, Dataset, Plan};
use crate::http::admin::users::{Summary, groups};
use crate::http::admin::{records, user_list};
use crate::http::auth::Admin;
use crate::http::context::RequestContext;
use crate::http::response::{self, common_headers};
use crate::http::route::HandlerResult;
use crate::people::find::find;
use crate::runtime::random;
use crate::store::exports::{self, Begun, Events, Place};
use crate::store::slices::Slices;
use crate::store::{self, listing as people};
use crate::vars::Vars;

/// Parameters of every export. They choose columns and the part of the export, and no users.
pub(crate) const COMMON: [&str; 6] = ["fields", "snapshot", "after", "limit", "partial", "bom"];
/// Filters of users, the same as in the list of users.
pub(crate) const USERS: [&str; 8] = [
    "createdAfter",
    "createdBefore",
    "updatedAfter",
    "hasTag",
    "optedIn",
    "search",
    "exportConsentOnly",
    "customField[",
];
/// Filters of events.
pub(crate) const EVENTS: [&str; 4] = ["from", "to", "eventType", "userId"];

/// The parameters that every export has.
struct ExportOptions {
    kind: Kind,
    format: Format,
    fields: Option<Vec<String>>,
    snapshot_ms: i64,
    after: Option<String>,
    limit: Option<u64>,
    partial: bool,
    /// Whether a CSV file begins with a byte order mark, so that spreadsheets read it as UTF-8.
    bom: bool,
}

/// `GET /api/admin/export/users/{csv|json|ndjson}` with the filters of the list of users, and
/// `fields`, `snapshot`, `after`, `limit`, `partial`, `bom` → the file.
pub(crate) async fn users(cx: &RequestContext, admin: Admin, format: &str) -> Result<Response, Error> {
    let format = named(format)?;
    let mut options = options(cx, Kind::Users, format)?;
    let included = records::included(cx)?;
    if format == Format::Csv && !included.members().is_empty() {
        let message = "records have no place in the rows of a CSV file; json and ndjson hold them";
        return Err(Problem::field(Code::InvalidField, "include", message).into());
    }
    if let Some(fields) = &mut options.fields {
        fields.extend(included.members().into_iter().map(str::to_owned));
    }
    let filter = user_filter(cx, &admin, options.snapshot_ms).await?;
    let dataset = Dataset::Users { wanted: filter, included, after: options.after.clone() };
    start(cx, &admin, options, dataset, String::new()).await
}

/// `GET /api/admin/export/events/{csv|json|ndjson}?from&to&eventType&userId`, and the parameters of
/// every export → the file.
pub(crate) async fn events(cx: &RequestContext, admin: Admin, format: &str) -> Result<Response, Error> {
    let format = named(format)?;
    let options = options(cx, Kind::Events, format)?;
    let filter = event_filter(cx, &admin).await?;
    let after = match &options.after {
        Some(text) => Some(event_position(cx, &admin.company, text).await?),
        None => None,
    };
    start(cx, &admin, options, Dataset::Events { wanted: filter, after }, String::new()).await
}

/// Reads which users an export has. It excludes users that were created after the snapshot.
async fn user_filter(cx: &RequestContext, admin: &Admin, snapshot_ms: i64) -> Result<Wanted, Error> {
    let mut filter = user_list::filter(cx)?;
    filter.created_before = Some(filter.created_before.unwrap_or(i64::MAX).min(snapshot_ms + 1));
    // The search index may lack recent changes. A list may do without them; an export may not.
    if filter.search.is_some() && !people::refresh(cx.db(&admin.company)?, &admin.company).await? {
        let message = "so many users have changed since the last search that not all are found yet; ask again to go on";
        return Err(Problem::field(Code::LimitReached, "search", message).into());
    }
    Ok(filter)
}

/// Reads which events an export has.
async fn event_filter(cx: &RequestContext, admin: &Admin) -> Result<Events, Error> {
    // An event's place in time is its millisecond times a thousand, and a sequence number.
    let time = |name| cx.query_time(name).map(|ms| ms.map(|ms| ms * 1000));
    let user = match cx.query("userId") {
        Some(id) => Some(find(cx, &admin.company, &id).await?.id),
        None => None,
    };
    Ok(Events { from: time("from")?, before: time("to")?, name: cx.query("eventType"), user })
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExportCount {
    rows: i64,
}

/// Reads the format in the path.
fn named(format: &str) -> Result<Format, Problem> {
    Format::named(format).ok_or_else(|| Problem::new(Code::NotFound, "there is no such format"))
}

/// `GET /api/admin/export/users/count` with an export's parameters → `{success, rows}`: the number
/// of rows of the whole export. `limit` and `after` do not change it.
pub(crate) async fn count_users(cx: &RequestContext, admin: Admin) -> HandlerResult {
    let mut slices = Slices::new(cx.env(), &admin.company);
    let snapshot_ms = options(cx, Kind::Users, Format::Json)?.snapshot_ms;
    let filter = user_filter(cx, &admin, snapshot_ms).await?;
    count(people::count(cx.db(&admin.company)?, &admin.company, &filter, &mut slices).await?)
}

/// `GET /api/admin/export/events/count` with an export's parameters → `{success, rows}`.
pub(crate) async fn count_events(cx: &RequestContext, admin: Admin) -> HandlerResult {
    let mut slices = Slices::new(cx.env(), &admin.company);
    let snapshot_ms = options(cx, Kind::Events, Format::Json)?.snapshot_ms;
    let filter = event_filter(cx, &admin).await?;
    let db = cx.db(&admin.company)?;
    count(exports::count_events(db, &admin.company, &filter, snapshot_ms, &mut slices).await?)
}

/// The answer with a number of rows.
fn count(rows: Option<i64>) -> HandlerResult {
    let rows = rows.ok_or_else(too_much)?;
    response::answer(&ExportCount { rows })
}

/// `GET /api/admin/users/{id}/export` → `{success, exportId, snapshot, user, summary, groups:[…],
/// records:[…], hasMoreOf:[…], events:[…], rows, changedDuring, after}`: all data of one person,
/// for a request of that person. It has the latest 10 000 records of a kind and at most 8 MB of
/// records. For the kinds in `hasMoreOf`, the list of records has more.
pub(crate) async fn user(cx: &RequestContext, admin: Admin, id: &str) -> Result<Response, Error> {
    let options = options(cx, Kind::User, Format::Json)?;
    let profile = find(cx, &admin.company, id).await?;
    let user = serde_json::to_string(&profile.person(&admin.company)?.user())?;
    let most = i64::try_from(RECORDS_LIST_MAX).unwrap_or(i64::MAX);
    let db = cx.db(&admin.company)?;
    let part = store::records::Part::OfEach { most, bytes: EXPORT_PAGE_BYTES.into() };
    let listed = store::records::list(db, &admin.company, &[&profile.id], None, part).await?;
    let records = listed.iter().filter_map(|l| l.record.as_ref()).map(show).collect::<Result<Vec<_>, _>>()?;
    let left_out = listed.iter().filter(|l| l.record.is_none()).map(|l| l.place.kind.as_str());
    let has_more_of: BTreeSet<&str> = left_out.collect();
    let members = format!(
        "\"user\":{user},\"summary\":{},\"groups\":{},\"records\":{},\"hasMoreOf\":{},",
        serde_json::to_string(&Summary::new(&profile)?)?,
        serde_json::to_string(&groups(cx, &admin.company, &profile).await?)?,
        serde_json::to_string(&records)?,
        serde_json::to_string(&has_more_of)?
    );
    let after = match &options.after {
        Some(text) => Some(event_position(cx, &admin.company, text).await?),
        None => None,
    };
    let filter = Events { user: Some(profile.id), ..Events::default() };
    start(cx, &admin, options, Dataset::Events { wanted: filter, after }, members).await
}

/// Reads the parameters that every export has.
fn options(cx: &RequestContext, kind: Kind, format: Format) -> Result<ExportOptions, Problem> {
    let invalid = |field, message: String| Problem::field(Code::InvalidField, field, message);
    let fields = match cx.filled_query("fields") {
        None => None,
        Some(text) => {
            let fields: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
            if let Some(unknown) = fields.iter().find(|name| !kind.has(name)) {
                return Err(invalid("fields", format!("an export of {} has no field {unknown}", kind.as_str())));
            }
            if fields.len() > EXPORT_FIELDS_MAX {
                return Err(invalid("fields", format!("an export has at most {EXPORT_FIELDS_MAX} fields")));
            }
            Some(fields)
        }
    };
    let snapshot_ms = cx.query_time("snapshot")?.unwrap_or_else(|| cx.now_ms());
    if snapshot_ms > cx.now_ms() {
        return Err(invalid("snapshot", "snapshot is not in the future".to_owned()));
    }
    let limit = match cx.query("limit") {
        None => None,
        Some(text) => Some(
            text.parse().ok().filter(|n| *n > 0).ok_or_else(|| invalid("limit", "limit is a number of rows".into()))?,
        ),
    };
    let (partial, bom) = (cx.query_flag("partial")?, cx.query_flag("bom")?);
    Ok(ExportOptions { kind, format, fields, snapshot_ms, after: cx.filled_query("after"), limit, partial, bom })
}

/// Reads `after`: `browser:<message id>` or `webhook:<message id>`, an event of this company.
async fn event_position(cx: &RequestContext, company: &str, text: &str) -> Result<Place, Error> {
    let named = text.split_once(':').and_then(|(name, id)| Some((Source::of_name(name)?, id)));
    let found = match named {
        Some((source, id)) => exports::place(cx.db(company)?, company, source, id).await?,
        None => None,
    };
    let message = "after is source:messageId of an event that an export ended with";
    Ok(found.ok_or_else(|| Problem::field(Code::InvalidCursor, "after", message))?)
}

/// The filters that the list of exports shows. A filter that may name a person has a mask for its
/// value.
fn recorded_filters(cx: &RequestContext) -> Result<String, Error> {
    let mut recorded: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in cx.queries() {
        if ["fields", "snapshot", "after", "partial", "bom"].contains(&name.as_str()) {
            continue;
        }
        let names_people = name == "search" || name.starts_with("customField[");
        let value = if names_people { MASK } else { name_kept(&value) };
        recorded.entry(name_kept(&name).to_owned()).or_default().push(value.to_owned());
    }
    let one = |(name, mut values): (String, Vec<String>)| match (values.pop(), values.is_empty()) {
        (Some(only), true) => (name, Value::from(only)),
        (Some(last), false) => (name, Value::from([values, vec![last]].concat())),
        (None, _) => (name, Value::Null),
    };
    Ok(serde_json::to_string(&recorded.into_iter().map(one).collect::<BTreeMap<_, _>>())?)
}

/// Records that an export begins, and answers with its stream.
async fn start(
    cx: &RequestContext,
    admin: &Admin,
    options: ExportOptions,
    dataset: Dataset,
    members: String,
) -> Result<Response, Error> {
    let ExportOptions { kind, format, .. } = options;
    let id = format!("exp_{:012x}{}", cx.now_ms(), hex(&random::bytes::<8>()));
    let (filters, snapshot) = (recorded_filters(cx)?, clock::iso(options.snapshot_ms));
    let fields = options.fields.as_ref().map(serde_json::to_string).transpose()?;
    let begun = Begun {
        id: &id,
        key: &admin.key,
        prefix: &admin.prefix,
        kind,
        format,
        filters: &filters,
        fields: fields.as_deref(),
        snapshot_ms: options.snapshot_ms,
        after: options.after.as_deref(),
        request: cx.request_id(),
    };
    let db = store::database(cx.env(), Some(&admin.company))?;
    if !exports::begin(&db, &admin.company, begun, cx.now_ms()).await? {
        let message = format!("{EXPORTS_RUNNING_MAX} exports of this company are under way; wait for one to end");
        return Err(Problem::new(Code::LimitReached, message).into());
    }
    // For an export of one person, the target in the audit log is that person.
    if kind != Kind::User {
        cx.set_audit_target(&id);
    }
    let headers = common_headers(cx)?;
    headers.set("content-type", format.content_type())?;
    let date = snapshot.get(..10).unwrap_or_default();
    let file = format!("trackmate-{}-{}-{date}.{}", admin.company, kind.as_str(), format.as_str());
    headers.set("content-disposition", &format!("attachment; filename=\"{file}\""))?;
    headers.set("x-export-id", &id)?;
    headers.set("x-export-snapshot", &snapshot)?;
    let writer = Writer::new(kind, format, options.fields);
    let members = format!("\"exportId\":\"{id}\",\"snapshot\":\"{snapshot}\",{members}");
    let head = writer.head(&members, options.after.is_some(), options.bom);
    let plan = Plan {
        company: admin.company.clone(),
        key: admin.key.clone(),
        id,
        dataset,
        writer,
        head,
        snapshot_ms: options.snapshot_ms,
        after: options.after,
        limit: options.limit,
        pages: Vars::of(cx.env()).export_pages_max,
        partial: options.partial,
    };
    let rows = run::stream(cx.env().clone(), cx.worker(), db, plan);
    Ok(worker::ResponseBuilder::new().with_headers(headers).from_stream(rows)?)
}

/// The problem of a count that is too large for one request. A filter does not help: the query
/// reads all rows anyway.
fn too_much() -> Problem {
    let message = "there is more than one request may count; a filter reads no less. \
                   Export it in parts and count those, or have the deployment's COUNT_SLICES_MAX raised";
    Problem::new(Code::LimitReached, message)
}
