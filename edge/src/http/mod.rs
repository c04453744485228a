//! HTTP in: which route a request is for, and what every answer has in common.
//!
//! To add a route: 1. a [`Route`] with its path in [`Route::of`] and its methods in [`Route::methods`], 2. a handler in the feature's
//! file, which parses, calls and maps, 3. its arm in [`dispatch`], 4. its operation in `openapi/`. Its credentials are an argument type from [`auth`].

pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod body;
pub(crate) mod context;
pub(crate) mod operator;
pub(crate) mod pagination;
pub(crate) mod public;
pub(crate) mod rate_limit;
pub(crate) mod vendor;

use std::rc::Rc;

use trackmate_wire::limits::ECHO_BYTES_MAX;
use trackmate_wire::problem::{Code, Problem};
use worker::{Context, Env, Headers, Method, Request, Response};

use crate::domain::export::{Format, Kind};
use crate::error;
use crate::error::Error;
use crate::http::context::Call;
pub(crate) use crate::http::context::now_ms;
use crate::ingest::vendor::Family;
use crate::ingest::{browser, identify, outcome_log, server, vendor as vendors};
pub(crate) use crate::people::merge::lookup_key;
use crate::people::{edit, merge};
use admin::{
    catalog, deliveries, erasures, event_stream, events, export, exports, groups, keys, plan, records, settings, stats,
    timeline, user_list, users, webhooks,
};
use operator::companies;
use public::{contacts, visitor_cookie};

/// What a handler gives back: JSON text of a success, or why not.
pub(crate) type Handled = std::result::Result<String, Error>;

/// A path of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Health,
    Events,
    Profile,
    Contacts,
    FunnelTest,
    ServerEvents,
    Compat(Family),
    WriteKeySettings(String),
    Flags,
    FlagsConfig,
    SourceConfig,
    Users,
    User(String),
    UserTags(String),
    UserFields(String),
    UserExport(String),
    Timeline(String),
    Identities(String),
    Merge,
    Undo,
    Records(String),
    Erasure(String),
    Tombstones,
    Groups,
    Group(String),
    Members(String),
    Export(Kind, Format),
    ExportCount(Kind),
    Exports,
    ExportEntry(String),
    Audit,
    Stats,
    Plan,
    PlanInfer,
    PlanCheck,
    Keys,
    Key(String),
    Webhooks,
    Webhook(String),
    WebhookTest(String),
    RotateSecret(String),
    Deliveries(String),
    Recover(String),
    Resend(String, String),
    Settings,
    Catalog,
    Incoming,
    Rejected,
    Stream,
    Receipt(String),
    Companies,
    CompanyKeys(String),
    CompanyKey(String, String),
}

impl Route {
    pub(crate) fn of(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        Some(match segments.as_slice() {
            ["healthz"] => Self::Health,
            ["api", "events"] => Self::Events,
            ["api", "profile"] => Self::Profile,
            ["api", "contacts"] => Self::Contacts,
            ["api", "webhook", "test"] => Self::FunnelTest,
            ["api", "webhooks", "events"] => Self::ServerEvents,
            ["v1", kind] => Self::Compat(Family::segment(kind)?),
            ["beacon", "v1", "batch"] => Self::Compat(Family::SegmentBatch),
            ["v1", "projects", key, "settings"] => Self::WriteKeySettings((*key).to_owned()),
            ["batch"] | ["capture"] | ["e"] | ["i", "v0", "e"] => Self::Compat(Family::PostHog),
            ["flags"] | ["decide"] => Self::Flags,
            ["array", _, "config"] => Self::FlagsConfig,
            ["sourceConfig"] => Self::SourceConfig,
            ["api", "s", kind] | ["api", "s", "s2s", kind] => Self::Compat(Family::Jitsu((*kind).to_owned())),
            ["api", "admin", "users"] => Self::Users,
            ["api", "admin", "users", id] => Self::User((*id).to_owned()),
            ["api", "admin", "users", id, "tags"] => Self::UserTags((*id).to_owned()),
            ["api", "admin", "users", id, "custom-fields"] => Self::UserFields((*id).to_owned()),
            ["api", "admin", "users", id, "export"] => Self::UserExport((*id).to_owned()),
            ["api", "admin", "export", "users", "count"] => Self::ExportCount(Kind::Users),
            ["api", "admin", "export", "events", "count"] => Self::ExportCount(Kind::Events),
            ["api", "admin", "export", "users", format] => Self::Export(Kind::Users, Format::named(format)?),
            ["api", "admin", "export", "events", format] => Self::Export(Kind::Events, Format::named(format)?),
            ["api", "admin", "exports"] => Self::Exports,
            ["api", "admin", "exports", id] => Self::ExportEntry((*id).to_owned()),
            ["api", "admin", "audit"] => Self::Audit,
            ["api", "admin", "stats"] => Self::Stats,
            ["api", "admin", "plan"] => Self::Plan,
            ["api", "admin", "plan", "infer"] => Self::PlanInfer,
            ["api", "admin", "plan", "check"] => Self::PlanCheck,
            ["api", "admin", "keys"] => Self::Keys,
            ["api", "admin", "keys", id] => Self::Key((*id).to_owned()),
            ["api", "admin", "users", id, "timeline"] => Self::Timeline((*id).to_owned()),
            ["api", "admin", "users", id, "identities"] => Self::Identities((*id).to_owned()),
            ["api", "admin", "identity", "merge"] => Self::Merge,
            ["api", "admin", "identity", "undo"] => Self::Undo,
            ["api", "admin", "users", id, "records"] => Self::Records((*id).to_owned()),
            ["api", "admin", "users", id, "erasure"] => Self::Erasure((*id).to_owned()),
            ["api", "admin", "tombstones"] => Self::Tombstones,
            ["api", "admin", "groups"] => Self::Groups,
            ["api", "admin", "groups", id] => Self::Group((*id).to_owned()),
            ["api", "admin", "groups", id, "members"] => Self::Members((*id).to_owned()),
            ["api", "admin", "webhooks"] => Self::Webhooks,
            ["api", "admin", "webhooks", id] => Self::Webhook((*id).to_owned()),
            ["api", "admin", "webhooks", id, "test"] => Self::WebhookTest((*id).to_owned()),
            ["api", "admin", "webhooks", id, "rotate-secret"] => Self::RotateSecret((*id).to_owned()),
            ["api", "admin", "webhooks", id, "deliveries"] => Self::Deliveries((*id).to_owned()),
            ["api", "admin", "webhooks", id, "recover"] => Self::Recover((*id).to_owned()),
            ["api", "admin", "webhooks", id, "deliveries", delivery, "resend"] => {
                Self::Resend((*id).to_owned(), (*delivery).to_owned())
            }
            ["api", "admin", "settings"] => Self::Settings,
            ["api", "admin", "events", "catalog"] => Self::Catalog,
            ["api", "admin", "events"] => Self::Incoming,
            ["api", "admin", "events", "rejected"] => Self::Rejected,
            ["api", "admin", "events", "stream"] => Self::Stream,
            ["api", "admin", "events", id] => Self::Receipt((*id).to_owned()),
            ["api", "operator", "companies"] => Self::Companies,
            ["api", "operator", "companies", id, "keys"] => Self::CompanyKeys((*id).to_owned()),
            ["api", "operator", "companies", id, "keys", key] => Self::CompanyKey((*id).to_owned(), (*key).to_owned()),
            _ => return None,
        })
    }

    /// The value of `Allow`. Where there is GET there is HEAD.
    pub(crate) const fn methods(&self) -> &'static str {
        match self {
            Self::Health
            | Self::WriteKeySettings(_)
            | Self::FlagsConfig
            | Self::SourceConfig
            | Self::Catalog
            | Self::Incoming
            | Self::Rejected
            | Self::Receipt(_)
            | Self::Users
            | Self::Timeline(_)
            | Self::Erasure(_)
            | Self::Identities(_)
            | Self::Records(_)
            | Self::Groups
            | Self::Members(_)
            | Self::Deliveries(_)
            | Self::Exports
            | Self::ExportEntry(_)
            | Self::ExportCount(_)
            | Self::Audit
            | Self::Stats => "GET, HEAD, OPTIONS",
            // To ask for its head would begin an export, or to watch.
            Self::Export(..) | Self::UserExport(_) | Self::Stream => "GET, OPTIONS",
            Self::UserTags(_) => "POST, DELETE, OPTIONS",
            Self::UserFields(_) => "PATCH, OPTIONS",
            Self::Webhook(_) | Self::User(_) | Self::Group(_) => "GET, HEAD, PATCH, DELETE, OPTIONS",
            Self::Events
            | Self::Profile
            | Self::Contacts
            | Self::FunnelTest
            | Self::ServerEvents
            | Self::Compat(_)
            | Self::Flags
            | Self::Merge
            | Self::Undo
            | Self::WebhookTest(_)
            | Self::RotateSecret(_)
            | Self::Recover(_)
            | Self::Resend(..)
            | Self::PlanInfer
            | Self::PlanCheck => "POST, OPTIONS",
            Self::Webhooks | Self::Keys | Self::Companies | Self::CompanyKeys(_) => "GET, HEAD, POST, OPTIONS",
            Self::Settings => "GET, HEAD, PATCH, OPTIONS",
            Self::Plan => "GET, HEAD, PUT, OPTIONS",
            Self::Key(_) | Self::CompanyKey(..) | Self::Tombstones => "DELETE, OPTIONS",
        }
    }

    /// The parameters that its query may have; `None` where pages and other vendors' clients add what they like.
    fn parameters(&self, method: &Method) -> Option<Vec<&'static str>> {
        let page = |more: &[&'static str]| [&["limit", "cursor"], more].concat();
        Some(match (self, method) {
            (Self::Health | Self::Events | Self::Profile | Self::Contacts | Self::ServerEvents, _) => return None,
            _ if self.is_compat() => return None,
            (Self::Users, Method::Get) => [&user_list::PARAMETERS[..], &records::PARAMETERS].concat(),
            (Self::User(_), Method::Get) => records::PARAMETERS.to_vec(),
            (Self::UserTags(_), Method::Delete) => vec!["tag"],
            (Self::Identities(_) | Self::Members(_) | Self::Exports | Self::Companies, Method::Get) => page(&[]),
            (Self::Timeline(_), Method::Get) => page(&["order"]),
            (Self::Records(_), Method::Get) => page(&["kind"]),
            (Self::Groups, Method::Get) => page(&["search", "groupId", "kind"]),
            (Self::Deliveries(_), Method::Get) => page(&["status"]),
            (Self::Audit, Method::Get) => page(&["action", "since", "until"]),
            (Self::Incoming, Method::Get) => page(&["outcome", "eventType", "door"]),
            (Self::Rejected, Method::Get) => page(&["code", "eventType", "door"]),
            (Self::Stream, Method::Get) => vec!["outcome", "eventType", "after", "seconds"],
            (Self::Receipt(_), Method::Get) => vec!["door"],
            (Self::Stats, Method::Get) => vec!["from", "to", "interval", "zone"],
            (Self::Export(kind, _) | Self::ExportCount(kind), Method::Get) => export::parameters(*kind),
            (Self::UserExport(_), Method::Get) => export::parameters(Kind::User),
            _ => Vec::new(),
        })
    }

    /// Whether another vendor's client asks it.
    const fn is_compat(&self) -> bool {
        matches!(
            self,
            Self::Compat(_) | Self::WriteKeySettings(_) | Self::Flags | Self::FlagsConfig | Self::SourceConfig
        )
    }

    /// Whether pages of any origin may read the answer. The company's own list of origins is asked by the handler.
    const fn is_public(&self) -> bool {
        matches!(self, Self::Events | Self::Profile | Self::Contacts | Self::Health) || self.is_compat()
    }
}

/// Answers a request. Never fails: what goes wrong becomes an answer.
pub async fn handle(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let call = Call::new(request, env, Rc::new(context));
    let route = Route::of(&call.path());
    if call.method() == Some(Method::Options) {
        return preflight(&call, route.as_ref());
    }
    let Some(route) = route else { return unknown(&call).await };
    if let Route::Export(..) | Route::UserExport(_) | Route::Stream = &route {
        return match audit::note(&call, &route, stream(&call, &route).await).await {
            Ok(begun) => Ok(begun),
            Err(error) => respond(&call, Some(&route), Err(rate_limit::refused(&call, error).await)),
        };
    }
    let handled = audit::note(&call, &route, dispatch(&call, &route).await).await;
    outcome_log::note(&call, &handled);
    match handled {
        Ok(json) => respond(&call, Some(&route), Ok(json)),
        Err(error) => respond(&call, Some(&route), Err(rate_limit::refused(&call, error).await)),
    }
}

/// The answer to a path that is neither a file's nor a route's, by any method: a page to who reads pages, and to clients the
/// problem that every door gives. Other vendors' clients send to paths of their own.
async fn unknown(call: &Call) -> worker::Result<Response> {
    let reads_pages = matches!(call.method(), Some(Method::Get | Method::Head))
        && call.header("accept").is_some_and(|types| types.contains("text/html"));
    if reads_pages && let Some(page) = page_not_found(call).await {
        return Ok(page);
    }
    let message = "there is no such path; /docs/ has the API, and /docs/clients/others/ which clients are taken";
    respond(call, None, Err(Problem::new(Code::NotFound, message).into()))
}

/// The page that every unknown address shows, one of the deployment's files.
async fn page_not_found(call: &Call) -> Option<Response> {
    let (protocol, host) = call.own_origin()?;
    let page = call.env().assets("ASSETS").ok()?.fetch(format!("{protocol}://{host}/404"), None).await.ok()?;
    (page.status_code() == 200).then(|| page.with_status(404))
}

/// The routes whose answer is a stream.
async fn stream(call: &Call, route: &Route) -> std::result::Result<Response, Error> {
    let method = call.method();
    known(call, route, method.as_ref())?;
    match (route, method) {
        (Route::Export(Kind::Users, format), Some(Method::Get)) => {
            export::users(call, auth::Admin::of(call).await?, *format).await
        }
        (Route::Export(Kind::Events, format), Some(Method::Get)) => {
            export::events(call, auth::Admin::of(call).await?, *format).await
        }
        (Route::UserExport(id), Some(Method::Get)) => export::user(call, auth::Admin::of(call).await?, id).await,
        (Route::Stream, Some(Method::Get)) => event_stream::get(call, auth::Admin::of(call).await?).await,
        (route, _) => Err(not_allowed(route)),
    }
}

async fn dispatch(call: &Call, route: &Route) -> Handled {
    let Some(method) = call.method() else { return Err(not_allowed(route)) };
    let method = if method == Method::Head { Method::Get } else { method };
    known(call, route, Some(&method))?;
    match (route, method) {
        (Route::Health, Method::Get) => Ok(r#"{"success":true}"#.to_owned()),
        (Route::Events, Method::Post) => browser::post(call).await,
        (Route::Profile, Method::Post) => identify::post(call).await,
        (Route::Contacts, Method::Post) => contacts::post(call).await,
        (Route::FunnelTest, Method::Post) => webhooks::test(call, auth::Admin::of(call).await?, settings::FUNNEL).await,
        (Route::ServerEvents, Method::Post) => server::post(call).await,
        (Route::Compat(family), Method::Post) => vendors::post(call, family).await,
        (Route::WriteKeySettings(key), Method::Get) => vendors::settings(call, key),
        (Route::Flags, Method::Post) | (Route::FlagsConfig, Method::Get) => vendors::flags(),
        (Route::SourceConfig, Method::Get) => vendors::source_config(call),
        (Route::Users, Method::Get) => user_list::list(call, auth::Admin::of(call).await?).await,
        (Route::User(id), Method::Get) => users::get(call, auth::Admin::of(call).await?, id).await,
        (Route::User(id), Method::Patch) => edit::patch(call, auth::Admin::of(call).await?, id).await,
        (Route::User(id), Method::Delete) => erasures::delete(call, auth::Admin::of(call).await?, id).await,
        (Route::Erasure(id), Method::Get) => erasures::get(call, auth::Admin::of(call).await?, id).await,
        (Route::Tombstones, Method::Delete) => erasures::lift(call, auth::Admin::of(call).await?).await,
        (Route::UserTags(id), Method::Post) => edit::tags(call, auth::Admin::of(call).await?, id, true).await,
        (Route::UserTags(id), Method::Delete) => edit::tags(call, auth::Admin::of(call).await?, id, false).await,
        (Route::UserFields(id), Method::Patch) => edit::fields(call, auth::Admin::of(call).await?, id).await,
        (Route::Exports, Method::Get) => exports::list(call, auth::Admin::of(call).await?).await,
        (Route::ExportEntry(id), Method::Get) => exports::get(call, auth::Admin::of(call).await?, id).await,
        (Route::ExportCount(kind), Method::Get) => export::count(call, auth::Admin::of(call).await?, *kind).await,
        (Route::Audit, Method::Get) => audit::list(call, auth::Admin::of(call).await?).await,
        (Route::Stats, Method::Get) => stats::get(call, auth::Admin::of(call).await?).await,
        (Route::Plan, Method::Get) => plan::get(call, auth::Admin::of(call).await?).await,
        (Route::Plan, Method::Put) => plan::put(call, auth::Admin::of(call).await?).await,
        (Route::PlanInfer, Method::Post) => plan::infer(call, auth::Admin::of(call).await?).await,
        (Route::PlanCheck, Method::Post) => plan::check(call, auth::Admin::of(call).await?).await,
        (Route::Keys, Method::Get) => keys::list(call, auth::Admin::of(call).await?).await,
        (Route::Keys, Method::Post) => keys::post(call, auth::Admin::of(call).await?).await,
        (Route::Key(id), Method::Delete) => keys::delete(call, auth::Admin::of(call).await?, id).await,
        (Route::Timeline(id), Method::Get) => timeline::get(call, auth::Admin::of(call).await?, id).await,
        (Route::Identities(id), Method::Get) => merge::list(call, auth::Admin::of(call).await?, id).await,
        (Route::Merge, Method::Post) => merge::merge(call, auth::Admin::of(call).await?).await,
        (Route::Undo, Method::Post) => merge::undo(call, auth::Admin::of(call).await?).await,
        (Route::Records(id), Method::Get) => records::list(call, auth::Admin::of(call).await?, id).await,
        (Route::Groups, Method::Get) => groups::list(call, auth::Admin::of(call).await?).await,
        (Route::Group(id), Method::Get) => groups::get(call, auth::Admin::of(call).await?, id).await,
        (Route::Group(id), Method::Patch) => groups::patch(call, auth::Admin::of(call).await?, id).await,
        (Route::Group(id), Method::Delete) => groups::delete(call, auth::Admin::of(call).await?, id).await,
        (Route::Members(id), Method::Get) => groups::members(call, auth::Admin::of(call).await?, id).await,
        (Route::Webhooks, Method::Get) => webhooks::list(call, auth::Admin::of(call).await?).await,
        (Route::Webhooks, Method::Post) => webhooks::post(call, auth::Admin::of(call).await?).await,
        (Route::Webhook(id), Method::Get) => webhooks::get(call, auth::Admin::of(call).await?, id).await,
        (Route::Webhook(id), Method::Patch) => webhooks::patch(call, auth::Admin::of(call).await?, id).await,
        (Route::Webhook(id), Method::Delete) => webhooks::delete(call, auth::Admin::of(call).await?, id).await,
        (Route::WebhookTest(id), Method::Post) => webhooks::test(call, auth::Admin::of(call).await?, id).await,
        (Route::RotateSecret(id), Method::Post) => webhooks::rotate(call, auth::Admin::of(call).await?, id).await,
        (Route::Deliveries(id), Method::Get) => deliveries::list(call, auth::Admin::of(call).await?, id).await,
        (Route::Recover(id), Method::Post) => deliveries::recover(call, auth::Admin::of(call).await?, id).await,
        (Route::Resend(id, delivery), Method::Post) => {
            deliveries::resend(call, auth::Admin::of(call).await?, id, delivery).await
        }
        (Route::Settings, Method::Get) => settings::get(call, auth::Admin::of(call).await?).await,
        (Route::Settings, Method::Patch) => settings::patch(call, auth::Admin::of(call).await?).await,
        (Route::Catalog, Method::Get) => catalog::get(call, auth::Admin::of(call).await?).await,
        (Route::Incoming, Method::Get) => events::list(call, auth::Admin::of(call).await?).await,
        (Route::Rejected, Method::Get) => events::rejected(call, auth::Admin::of(call).await?).await,
        (Route::Receipt(id), Method::Get) => events::get(call, auth::Admin::of(call).await?, id).await,
        (Route::Companies, Method::Get) => companies::list(call, auth::Operator::of(call)?).await,
        (Route::Companies, Method::Post) => companies::post(call, auth::Operator::of(call)?).await,
        (Route::CompanyKeys(id), Method::Get) => companies::keys(call, auth::Operator::of(call)?, id).await,
        (Route::CompanyKeys(id), Method::Post) => companies::add_key(call, auth::Operator::of(call)?, id).await,
        (Route::CompanyKey(id, key), Method::Delete) => {
            companies::revoke_key(call, auth::Operator::of(call)?, id, key).await
        }
        (route, _) => Err(not_allowed(route)),
    }
}

/// That the route knows all parameters of the query.
fn known(call: &Call, route: &Route, method: Option<&Method>) -> std::result::Result<(), Problem> {
    method.and_then(|method| route.parameters(method)).map_or(Ok(()), |known| pagination::only(call, &known))
}

fn not_allowed(route: &Route) -> Error {
    Problem::new(Code::MethodNotAllowed, format!("this path takes {}", route.methods())).into()
}

/// That whoever was here by https is to come by nothing else for a year. Browsers pass over it where it comes by http,
/// as it does on one's own machine. `www/public/_headers` says the same of the pages.
const HTTPS_ONLY: &str = "max-age=31536000";

/// The answer to OPTIONS: a CORS preflight on public paths, `Allow` on the others. A path that there is not lets a page ask, so
/// that the page may read that there is none.
fn preflight(call: &Call, route: Option<&Route>) -> worker::Result<Response> {
    let headers = Headers::new();
    let wanted = echoed(call, "access-control-request-method");
    let methods = if let Some(route) = route { route.methods() } else { wanted.as_deref().unwrap_or("OPTIONS") };
    headers.set("allow", methods)?;
    if route.is_none_or(Route::is_public) {
        allow_origin(call, &headers)?;
        headers.set("access-control-allow-methods", methods)?;
        // Clients and their wrappers say more about a request than its type: how often they sent it, whose it is, that a script made it.
        let asked = echoed(call, "access-control-request-headers");
        let usual = "authorization, content-type, content-encoding, x-write-key, x-retry-count, anonymousid";
        headers.set("access-control-allow-headers", asked.as_deref().unwrap_or(usual))?;
        headers.set("access-control-max-age", "86400")?;
    }
    headers.set("x-request-id", call.request_id())?;
    headers.set("strict-transport-security", HTTPS_ONLY)?;
    Ok(Response::empty()?.with_status(204).with_headers(headers))
}

/// Lets pages of any origin read the answer. The browser wants the origin by name where it sends credentials, as a beacon of JSON does; none of ours count here.
fn allow_origin(call: &Call, headers: &Headers) -> worker::Result<()> {
    let origin = echoed(call, "origin");
    if origin.is_some() {
        headers.set("access-control-allow-credentials", "true")?;
        headers.set("vary", "origin")?;
    }
    headers.set("access-control-allow-origin", origin.as_deref().unwrap_or("*"))
}

/// A header of the request that may stand in the answer as it is.
fn echoed(call: &Call, name: &str) -> Option<String> {
    let fits = |value: &String| value.len() <= ECHO_BYTES_MAX && value.bytes().all(|b| (b' '..=b'~').contains(&b));
    call.header(name).filter(fits)
}

/// What every answer says.
pub(crate) fn common_headers(call: &Call) -> worker::Result<Headers> {
    let headers = Headers::new();
    headers.set("cache-control", "no-store")?;
    headers.set("x-content-type-options", "nosniff")?;
    headers.set("x-request-id", call.request_id())?;
    headers.set("strict-transport-security", HTTPS_ONLY)?;
    Ok(headers)
}

fn respond(call: &Call, route: Option<&Route>, handled: Handled) -> worker::Result<Response> {
    let headers = common_headers(call)?;
    headers.set("content-type", "application/json; charset=utf-8")?;
    if route.is_none_or(Route::is_public) {
        allow_origin(call, &headers)?;
        headers.set("access-control-expose-headers", "x-request-id, retry-after")?;
    }
    if let (Some(Route::Events | Route::Profile), Some(cookie)) = (route, visitor_cookie::cookie(call)) {
        headers.set("set-cookie", &cookie)?;
    }
    if let Some(cost) = call.shown_cost() {
        headers.set("x-d1-cost", &cost)?;
        headers.set("x-isolate", &context::isolate())?;
    }
    let (status, json) = match handled {
        Ok(json) => (200, json),
        Err(failed) => {
            failed.log(&format!("request {}", call.request_id()));
            let problem = failed.problem();
            if let Some(seconds) = error::retry_after_s(problem.code) {
                headers.set("retry-after", &seconds.to_string())?;
            }
            if let (Code::MethodNotAllowed, Some(route)) = (problem.code, route) {
                headers.set("allow", route.methods())?;
            }
            (error::status(problem.code), error::json(&problem, call.request_id()))
        }
    };
    let body = if call.method() == Some(Method::Head) { Vec::new() } else { json.into_bytes() };
    Ok(worker::ResponseBuilder::new().with_status(status).with_headers(headers).fixed(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_apart_with_and_without_a_trailing_slash() {
        assert_eq!(Route::of("/api/events"), Some(Route::Events));
        assert_eq!(Route::of("/api/events/"), Some(Route::Events));
        assert_eq!(Route::of("/api/admin/users/abc/timeline"), Some(Route::Timeline("abc".into())));
        for path in ["/", "/api", "/api/event", "/api/admin/users/a/b/c", "/api/operator"] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}
