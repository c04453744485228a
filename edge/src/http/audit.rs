//! The audit log: writes one entry for each request that is an action, before its answer goes out,
//! and answers `GET /api/admin/audit`.

use trackmate_wire::api::{AuditEntry, AuditPage, KeyUsed};
use trackmate_wire::hex::hex;
use trackmate_wire::limits::AUDIT_ITEMS_MAX;
use trackmate_wire::problem::{Code, Problem};
use worker::console_error;

use crate::domain::audit::ALL;
use crate::domain::clock;
use crate::error::Error;
use crate::http::auth;
use crate::http::context::{AuditTrace, RequestContext};
use crate::http::pagination;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::http::route::{AuditTarget, PathParameters, Route};
use crate::runtime::random;
use crate::store::audit::{self, Deed};

/// Writes the entry of a request that was an action, before its answer goes out. A request without
/// a valid key has no entry. The action is done by then. So if the entry cannot be written, the
/// Worker logs that, and the answer stays a success.
pub(crate) async fn record<T>(
    cx: &RequestContext,
    route: &Route,
    parameters: &PathParameters,
    handled: Result<T, Error>,
) -> Result<T, Error> {
    let Some((action, audited)) = route.audit else { return handled };
    let AuditTrace { actor: Some(actor), company, target } = cx.take_audit_trace() else { return handled };
    // In the operator's requests the path names the company, or the request has created it.
    let of_operator = || parameters.find("company").map(str::to_owned).or_else(|| target.clone());
    let Some(company) = company.or_else(of_operator) else { return handled };
    let code = handled.as_ref().err().map(Error::code);
    // A parameter of the path is the caller's text. It becomes the target only if it named
    // something that exists.
    let was_found = matches!(code, None | Some(Code::Conflict | Code::ErasedUser | Code::LimitReached));
    let in_path = match audited {
        AuditTarget::Parameter(name) => Some(parameters.get(name)),
        AuditTarget::Fixed(id) => Some(id),
        AuditTarget::Handler => None,
    };
    let in_path = in_path.filter(|_| was_found);
    let id = entry_id(cx.now_ms(), &hex(&random::bytes::<8>()));
    let deed = Deed {
        id: &id,
        actor: &actor,
        action,
        target: target.as_deref().or(in_path),
        request: cx.request_id(),
        outcome: code.map_or("ok", Code::as_str),
    };
    let written = async { audit::add(cx.db(&company)?, &company, deed, cx.now_ms()).await };
    if let Err(error) = written.await {
        console_error!("request {} is not in the audit log: {}", cx.request_id(), crate::store::brief(&error));
    }
    handled
}

/// Makes the id of an entry. Ids ascend with time: they begin with twelve digits of milliseconds.
fn entry_id(ms: i64, random: &str) -> String {
    format!("aud_{ms:012x}{random}")
}

/// `GET /api/admin/audit?limit&cursor&action&since&until` → `{success, entries:[{id, at, actor,
/// key:{id, prefix}, action, targetId, requestId, outcome}], pagination}`, newest first. Includes
/// the instant `since`, and excludes the instant `until`.
pub(crate) async fn list(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let limit = pagination::limit(cx, AUDIT_ITEMS_MAX)?;
    let action = match cx.query("action") {
        None => None,
        Some(name) => Some(ALL.iter().map(|a| a.as_str()).find(|a| *a == name).ok_or_else(|| {
            Problem::field(Code::InvalidField, "action", "action is one of the names in docs/api.md")
        })?),
    };
    let from = cx.query_time("since")?.map_or_else(String::new, |ms| entry_id(ms, ""));
    let until = cx.query_time("until")?.map_or_else(|| "~".to_owned(), |ms| entry_id(ms, ""));
    let before =
        pagination::cursor(cx, |id| Some(id.to_owned()))?.map_or_else(|| until.clone(), |id| id.min(until.clone()));
    let db = cx.db(&admin.company)?;
    let wanted = audit::Wanted { from: &from, before: &before, action };
    let mut found = audit::list(db, &admin.company, wanted, pagination::rows(limit)).await?;
    let pagination = pagination::cut(&mut found, limit, |e| pagination::write_cursor(&e.id));
    let entry = |e: audit::Entry| AuditEntry {
        id: e.id,
        at: clock::iso(e.at),
        actor: e.actor,
        key: e.key_id.map(|id| KeyUsed { id, prefix: e.key_prefix.unwrap_or_default() }),
        action: e.action,
        target_id: e.target,
        request_id: e.request,
        outcome: e.outcome,
    };
    let entries = found.into_iter().map(entry).collect();
    response::answer(&AuditPage { entries, pagination })
}
