//! The audit log: which request is an action, one entry for each before its answer goes out, and `GET /api/admin/audit`.

use serde::Serialize;
use serde_json::Value;
use trackmate_wire::hex::hex;
use trackmate_wire::limits::AUDIT_ITEMS_MAX;
use trackmate_wire::problem::{Code, Problem};
use worker::{Method, console_error};

use super::{Handled, Route, auth};
use crate::domain::audit::{ALL, Action};
use crate::domain::export::Kind;
use crate::domain::{clock, event};
use crate::error::Error;
use crate::http::admin::settings;
use crate::http::context::Call;
use crate::http::pagination::{self, Pagination};
use crate::runtime::random;
use crate::store::audit::{self, Actor, Deed};

/// What a request does that the log tells of. To add an action: its route here. No wildcard arm: a new route says whether it is one.
fn action(route: &Route, method: &Method) -> Option<Action> {
    let (get, post, patch, delete) =
        (*method == Method::Get, *method == Method::Post, *method == Method::Patch, *method == Method::Delete);
    match route {
        Route::Export(Kind::Users, _) => get.then_some(Action::ExportUsers),
        Route::Export(Kind::Events, _) => get.then_some(Action::ExportEvents),
        Route::Export(Kind::User, _) | Route::UserExport(_) => get.then_some(Action::ExportUser),
        Route::User(_) if delete => Some(Action::UserErase),
        Route::User(_) => patch.then_some(Action::UserUpdate),
        Route::Merge => post.then_some(Action::UserMerge),
        Route::Undo => post.then_some(Action::IdentityUndo),
        Route::Tombstones => delete.then_some(Action::TombstoneLift),
        Route::Group(_) if patch => Some(Action::GroupUpdate),
        Route::Group(_) => delete.then_some(Action::GroupDelete),
        Route::UserTags(_) if post => Some(Action::UserTag),
        Route::UserTags(_) => delete.then_some(Action::UserUntag),
        Route::UserFields(_) => patch.then_some(Action::UserFields),
        Route::Webhooks => post.then_some(Action::WebhookCreate),
        Route::Webhook(_) if patch => Some(Action::WebhookUpdate),
        Route::Webhook(_) => delete.then_some(Action::WebhookDelete),
        Route::FunnelTest | Route::WebhookTest(_) => post.then_some(Action::WebhookTest),
        Route::RotateSecret(_) => post.then_some(Action::WebhookRotate),
        Route::Recover(_) => post.then_some(Action::WebhookRecover),
        Route::Resend(..) => post.then_some(Action::WebhookResend),
        Route::Plan => (*method == Method::Put).then_some(Action::PlanUpdate),
        Route::Settings => patch.then_some(Action::SettingsUpdate),
        Route::Companies => post.then_some(Action::CompanyCreate),
        Route::Keys | Route::CompanyKeys(_) => post.then_some(Action::KeyCreate),
        Route::Key(_) | Route::CompanyKey(..) => delete.then_some(Action::KeyRevoke),
        Route::Health
        | Route::Events
        | Route::Profile
        | Route::Contacts
        | Route::ServerEvents
        | Route::Compat(_)
        | Route::WriteKeySettings(_)
        | Route::Flags
        | Route::FlagsConfig
        | Route::SourceConfig
        | Route::Users
        | Route::Timeline(_)
        | Route::Identities(_)
        | Route::Records(_)
        | Route::Groups
        | Route::Members(_)
        | Route::Erasure(_)
        | Route::Deliveries(_)
        | Route::Catalog
        | Route::Incoming
        | Route::Rejected
        | Route::Stream
        | Route::Receipt(_)
        | Route::Exports
        | Route::ExportEntry(_)
        | Route::ExportCount(_)
        | Route::PlanInfer
        | Route::PlanCheck
        | Route::Stats
        | Route::Audit => None,
    }
}

/// The id in the path of what an action is done to; what is made is named by its handler, by [`target`].
fn named(route: &Route) -> Option<&str> {
    match route {
        Route::User(id)
        | Route::UserTags(id)
        | Route::UserFields(id)
        | Route::UserExport(id)
        | Route::Group(id)
        | Route::Webhook(id)
        | Route::WebhookTest(id)
        | Route::RotateSecret(id)
        | Route::Recover(id)
        | Route::Resend(_, id)
        | Route::Key(id)
        | Route::CompanyKey(_, id) => Some(id),
        Route::FunnelTest => Some(settings::FUNNEL),
        Route::Health
        | Route::Events
        | Route::Profile
        | Route::Contacts
        | Route::ServerEvents
        | Route::Compat(_)
        | Route::WriteKeySettings(_)
        | Route::Flags
        | Route::FlagsConfig
        | Route::SourceConfig
        | Route::Users
        | Route::Timeline(_)
        | Route::Identities(_)
        | Route::Records(_)
        | Route::Groups
        | Route::Members(_)
        | Route::Erasure(_)
        | Route::Merge
        | Route::Undo
        | Route::Tombstones
        | Route::Webhooks
        | Route::Deliveries(_)
        | Route::Settings
        | Route::Catalog
        | Route::Incoming
        | Route::Rejected
        | Route::Stream
        | Route::Receipt(_)
        | Route::Export(..)
        | Route::Exports
        | Route::ExportEntry(_)
        | Route::ExportCount(_)
        | Route::Stats
        | Route::Plan
        | Route::PlanInfer
        | Route::PlanCheck
        | Route::Keys
        | Route::Audit
        | Route::Companies
        | Route::CompanyKeys(_) => None,
    }
}

/// Says which thing the request made.
pub(crate) fn target(call: &Call, id: &str) {
    call.trace().borrow_mut().target = Some(id.to_owned());
}

/// Who asks, once they have shown their key, and for which company.
pub(crate) fn asked_by(call: &Call, company: Option<&str>, actor: Actor) {
    let mut trace = call.trace().borrow_mut();
    trace.actor = Some(actor);
    trace.company = company.map(str::to_owned);
}

/// What a request has told about itself so far.
#[derive(Default)]
pub(crate) struct Trace {
    actor: Option<Actor>,
    company: Option<String>,
    target: Option<String>,
}

/// Writes the entry of a request that was an action, before its answer goes out. Who showed no key did nothing. The action is done by then, so an entry that
/// cannot be written is the operator's matter and does not turn the answer into a failure.
pub(crate) async fn note<T>(call: &Call, route: &Route, handled: Result<T, Error>) -> Result<T, Error> {
    let Some(action) = call.method().and_then(|method| action(route, &method)) else { return handled };
    let Trace { actor: Some(actor), company, target } = call.trace().take() else { return handled };
    // The operator's company is in the path, or is what was made.
    let of_operator =
        if let Route::CompanyKeys(id) | Route::CompanyKey(id, _) = route { Some(id) } else { target.as_ref() };
    let company = company.or_else(|| of_operator.cloned());
    let Some(company) = company else { return handled };
    let code = handled.as_ref().err().map(Error::code);
    // What stands in the path is the caller's text until something was found by it.
    let was_found = matches!(code, None | Some(Code::Conflict | Code::ErasedUser | Code::LimitReached));
    let named = named(route).filter(|_| was_found);
    let id = entry_id(call.now_ms(), &hex(&random::bytes::<8>()));
    let deed = Deed {
        id: &id,
        actor: &actor,
        action,
        target: target.as_deref().or(named),
        request: call.request_id(),
        outcome: code.map_or("ok", Code::as_str),
    };
    let written = async { audit::add(call.db(Some(&company))?, &company, deed, call.now_ms()).await };
    if let Err(error) = written.await {
        console_error!("request {} is not in the audit log: {}", call.request_id(), crate::store::brief(&error));
    }
    handled
}

/// Ids ascend with time: twelve digits of milliseconds, then chance.
fn entry_id(ms: i64, chance: &str) -> String {
    format!("aud_{ms:012x}{chance}")
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AuditEntry"))]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: String,
    at: String,
    actor: String,
    key: Option<Key>,
    action: String,
    target_id: Option<String>,
    request_id: String,
    outcome: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "KeyUsed"))]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) prefix: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AuditPage"))]
pub(crate) struct Page {
    success: bool,
    entries: Vec<Entry>,
    pagination: Pagination,
}

/// `GET /api/admin/audit?limit&cursor&action&since&until` → `{success, entries:[{id, at, actor, key:{id, prefix}, action, targetId, requestId, outcome}], pagination}`,
/// newest first; `since` is of it, `until` is not.
pub(crate) async fn list(call: &Call, admin: auth::Admin) -> Handled {
    let limit = pagination::limit(call, AUDIT_ITEMS_MAX)?;
    let action = match call.query("action") {
        None => None,
        Some(name) => Some(ALL.iter().map(|a| a.as_str()).find(|a| *a == name).ok_or_else(|| {
            Problem::field(Code::InvalidField, "action", "action is one of the names in docs/api.md")
        })?),
    };
    let time = |name: &'static str| call.query(name).map(|text| event::time(&Value::String(text), name)).transpose();
    let from = time("since")?.map_or_else(String::new, |ms| entry_id(ms, ""));
    let until = time("until")?.map_or_else(|| "~".to_owned(), |ms| entry_id(ms, ""));
    let before =
        pagination::cursor(call, |id| Some(id.to_owned()))?.map_or_else(|| until.clone(), |id| id.min(until.clone()));
    let db = call.db(Some(&admin.company))?;
    let mut found = audit::list(db, &admin.company, &from, &before, action, pagination::rows(limit)).await?;
    let pagination = Pagination::cut(&mut found, limit, |e| pagination::write_cursor(&e.id));
    let shown = |e: audit::Entry| Entry {
        id: e.id,
        at: clock::iso(e.at),
        actor: e.actor,
        key: e.key_id.map(|id| Key { id, prefix: e.key_prefix.unwrap_or_default() }),
        action: e.action,
        target_id: e.target,
        request_id: e.request,
        outcome: e.outcome,
    };
    let entries = found.into_iter().map(shown).collect();
    Ok(serde_json::to_string(&Page { success: true, entries, pagination })?)
}
