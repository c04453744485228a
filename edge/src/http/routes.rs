//! The table of routes: path, method, handler with the credentials that it needs, parameters of the
//! query, and the action that the audit log records. What all routes have in common is in
//! [`super::handle`].
//!
//! CONTRIBUTING.md says how to add a route.

use crate::domain::audit::Action;
use crate::domain::export::Format;
use crate::http::admin::{
    catalog, deliveries, erasures, event_stream, events, export, exports, groups, identities, keys, plan, records,
    settings, stats, timeline, user_edits, user_list, users, webhooks,
};
use crate::http::context::RequestContext;
use crate::http::operator::{backup, companies, metrics, moves};
use crate::http::public::{contacts, events as browser_events, health, profile};
use crate::http::route::{
    AuditTarget, Caller, Handler, HandlerResult, Path, PathParameters, at, delete, get, patch, post, put,
};
use crate::http::server::events as server_events;
use crate::http::{audit, vendor};
use crate::ingest::vendor::VendorFormat;

/// A handler that needs no key, or checks the key itself. Parameters of the path follow its name.
macro_rules! open {
    ($caller:ident, $handler:path $(, $name:ident)*) => {
        (
            Caller::$caller,
            Handler::Open(|cx, parameters| {
                Box::pin($handler(cx $(, parameters.get(stringify!($name)))*))
            }),
        )
    };
}

/// A handler that takes the credentials of a company's admin.
macro_rules! admin {
    ($handler:path $(, $name:ident)*) => {
        (
            Caller::Admin,
            Handler::Admin(|cx, admin, parameters| {
                Box::pin($handler(cx, admin $(, parameters.get(stringify!($name)))*))
            }),
        )
    };
}

/// A handler that takes the credentials of a company's admin, and writes its answer piece by piece.
macro_rules! admin_stream {
    ($handler:path $(, $name:ident)*) => {
        (
            Caller::Admin,
            Handler::AdminStream(|cx, admin, parameters| {
                Box::pin($handler(cx, admin $(, parameters.get(stringify!($name)))*))
            }),
        )
    };
}

/// A handler that takes the credentials of the operator.
macro_rules! operator {
    ($handler:path $(, $name:ident)*) => {
        (
            Caller::Operator,
            Handler::Operator(|cx, operator, parameters| {
                Box::pin($handler(cx, operator $(, parameters.get(stringify!($name)))*))
            }),
        )
    };
}

/// A handler that takes the credentials of the operator, and makes its answer itself.
macro_rules! operator_stream {
    ($handler:path) => {
        (Caller::Operator, Handler::OperatorStream(|cx, operator, _| Box::pin($handler(cx, operator))))
    };
}

/// The parameters of every list with pages.
const PAGE: &[&str] = &["limit", "cursor"];
/// The thing that `{id}` in the path names.
const ID: AuditTarget = AuditTarget::Parameter("id");

/// All paths. If two templates match, the first one counts.
#[allow(unused_variables, reason = "a path may have no parameters")]
pub(crate) const PATHS: &[Path] = &[
    at("/healthz", &[get(open!(Browser, health::live)).any_query()]),
    at("/readyz", &[get(open!(Browser, health::ready)).any_query()]),
    // Pages.
    at("/api/events", &[post(open!(Browser, browser_events::post)).any_query()]).with_visitor_cookie(),
    at("/api/profile", &[post(open!(Browser, profile::post)).any_query()]).with_visitor_cookie(),
    at("/api/contacts", &[post(open!(Browser, contacts::post)).any_query()]),
    // Servers.
    at("/api/webhooks/events", &[post(open!(Server, server_events::post)).any_query()]),
    // Other vendors' clients.
    at("/beacon/v1/batch", &[post(open!(VendorClient, segment_batch)).any_query()]),
    at("/v1/{kind}", &[post(open!(VendorClient, segment, kind)).any_query()])
        .only_if_first(|kind| VendorFormat::segment(kind).is_some()),
    at("/v1/projects/{key}/settings", &[get(open!(VendorClient, vendor::settings, key)).any_query()]),
    at("/sourceConfig", &[get(open!(VendorClient, vendor::source_config)).any_query()]),
    at("/batch", &[post(open!(VendorClient, posthog)).any_query()]),
    at("/capture", &[post(open!(VendorClient, posthog)).any_query()]),
    at("/e", &[post(open!(VendorClient, posthog)).any_query()]),
    at("/i/v0/e", &[post(open!(VendorClient, posthog)).any_query()]),
    at("/flags", &[post(open!(VendorClient, vendor::flags)).any_query()]),
    at("/decide", &[post(open!(VendorClient, vendor::flags)).any_query()]),
    at("/array/{key}/config", &[get(open!(VendorClient, vendor::flags)).any_query()]),
    at("/api/s/{kind}", &[post(open!(VendorClient, jitsu, kind)).any_query()]),
    at("/api/s/s2s/{kind}", &[post(open!(VendorClient, jitsu, kind)).any_query()]),
    // Admins: users.
    at("/api/admin/users", &[get(admin!(user_list::list)).query(&[&user_list::PARAMETERS, &records::PARAMETERS])]),
    at(
        "/api/admin/users/{id}",
        &[
            get(admin!(users::get, id)).query(&[&records::PARAMETERS]),
            patch(admin!(user_edits::patch, id)).audit(Action::UserUpdate, ID),
            delete(admin!(erasures::delete, id)).audit(Action::UserErase, ID),
        ],
    ),
    at(
        "/api/admin/users/{id}/tags",
        &[
            post(admin!(user_edits::add_tags, id)).audit(Action::UserTag, ID),
            delete(admin!(user_edits::remove_tags, id)).query(&[&["tag"]]).audit(Action::UserUntag, ID),
        ],
    ),
    at("/api/admin/users/{id}/custom-fields", &[patch(admin!(user_edits::fields, id)).audit(Action::UserFields, ID)]),
    at(
        "/api/admin/users/{id}/export",
        &[get(admin_stream!(export::user, id)).query(&[&export::COMMON]).audit(Action::ExportUser, ID)],
    ),
    at("/api/admin/users/{id}/timeline", &[get(admin!(timeline::get, id)).query(&[PAGE, &["order"]])]),
    at("/api/admin/users/{id}/identities", &[get(admin!(identities::list, id)).query(&[PAGE])]),
    at("/api/admin/users/{id}/records", &[get(admin!(records::list, id)).query(&[PAGE, &["kind"]])]),
    at("/api/admin/users/{id}/erasure", &[get(admin!(erasures::get, id))]),
    at("/api/admin/identity/merge", &[post(admin!(identities::merge)).audit(Action::UserMerge, AuditTarget::Handler)]),
    at("/api/admin/identity/undo", &[post(admin!(identities::undo)).audit(Action::IdentityUndo, AuditTarget::Handler)]),
    at("/api/admin/tombstones", &[delete(admin!(erasures::lift)).audit(Action::TombstoneLift, AuditTarget::Handler)]),
    // Groups.
    at("/api/admin/groups", &[get(admin!(groups::list)).query(&[PAGE, &["search", "groupId", "kind"]])]),
    at(
        "/api/admin/groups/{id}",
        &[
            get(admin!(groups::get, id)),
            patch(admin!(groups::patch, id)).audit(Action::GroupUpdate, ID),
            delete(admin!(groups::delete, id)).audit(Action::GroupDelete, ID),
        ],
    ),
    at("/api/admin/groups/{id}/members", &[get(admin!(groups::members, id)).query(&[PAGE])]),
    // Exports.
    at(
        "/api/admin/export/users/count",
        &[get(admin!(export::count_users)).query(&[&export::COMMON, &export::USERS, &records::PARAMETERS])],
    ),
    at(
        "/api/admin/export/events/count",
        &[get(admin!(export::count_events)).query(&[&export::COMMON, &export::EVENTS])],
    ),
    at(
        "/api/admin/export/users/{format}",
        &[get(admin_stream!(export::users, format))
            .query(&[&export::COMMON, &export::USERS, &records::PARAMETERS])
            .audit(Action::ExportUsers, AuditTarget::Handler)],
    )
    .only_if_first(|format| Format::named(format).is_some()),
    at(
        "/api/admin/export/events/{format}",
        &[get(admin_stream!(export::events, format))
            .query(&[&export::COMMON, &export::EVENTS])
            .audit(Action::ExportEvents, AuditTarget::Handler)],
    )
    .only_if_first(|format| Format::named(format).is_some()),
    at("/api/admin/exports", &[get(admin!(exports::list)).query(&[PAGE])]),
    at("/api/admin/exports/{id}", &[get(admin!(exports::get, id))]),
    // Webhooks.
    at(
        "/api/admin/webhooks",
        &[get(admin!(webhooks::list)), post(admin!(webhooks::post)).audit(Action::WebhookCreate, AuditTarget::Handler)],
    ),
    at(
        "/api/admin/webhooks/{id}",
        &[
            get(admin!(webhooks::get, id)),
            patch(admin!(webhooks::patch, id)).audit(Action::WebhookUpdate, ID),
            delete(admin!(webhooks::delete, id)).audit(Action::WebhookDelete, ID),
        ],
    ),
    at("/api/admin/webhooks/{id}/test", &[post(admin!(webhooks::test, id)).audit(Action::WebhookTest, ID)]),
    at(
        "/api/webhook/test",
        &[post(admin!(webhooks::test_funnel)).audit(Action::WebhookTest, AuditTarget::Fixed(settings::FUNNEL))],
    ),
    at(
        "/api/admin/webhooks/{id}/rotate-secret",
        &[post(admin!(webhooks::rotate, id)).audit(Action::WebhookRotate, ID)],
    ),
    at("/api/admin/webhooks/{id}/deliveries", &[get(admin!(deliveries::list, id)).query(&[PAGE, &["status"]])]),
    at("/api/admin/webhooks/{id}/recover", &[post(admin!(deliveries::recover, id)).audit(Action::WebhookRecover, ID)]),
    at(
        "/api/admin/webhooks/{id}/deliveries/{delivery}/resend",
        &[post(admin!(deliveries::resend, id, delivery))
            .audit(Action::WebhookResend, AuditTarget::Parameter("delivery"))],
    ),
    // Received events.
    at("/api/admin/events", &[get(admin!(events::list)).query(&[PAGE, &["outcome", "eventType", "door"]])]),
    at("/api/admin/events/rejected", &[get(admin!(events::rejected)).query(&[PAGE, &["code", "eventType", "door"]])]),
    at(
        "/api/admin/events/stream",
        &[get(admin_stream!(event_stream::get)).query(&[&["outcome", "eventType", "after", "seconds"]])],
    ),
    at("/api/admin/events/catalog", &[get(admin!(catalog::get))]),
    at("/api/admin/events/{id}", &[get(admin!(events::get, id)).query(&[&["door"]])]),
    // The company itself.
    at("/api/admin/audit", &[get(admin!(audit::list)).query(&[PAGE, &["action", "since", "until"]])]),
    at("/api/admin/stats", &[get(admin!(stats::get)).query(&[&["from", "to", "interval", "zone"]])]),
    at(
        "/api/admin/plan",
        &[get(admin!(plan::get)), put(admin!(plan::put)).audit(Action::PlanUpdate, AuditTarget::Handler)],
    ),
    at("/api/admin/plan/infer", &[post(admin!(plan::infer))]),
    at("/api/admin/plan/check", &[post(admin!(plan::check))]),
    at(
        "/api/admin/keys",
        &[get(admin!(keys::list)), post(admin!(keys::post)).audit(Action::KeyCreate, AuditTarget::Handler)],
    ),
    at("/api/admin/keys/{id}", &[delete(admin!(keys::delete, id)).audit(Action::KeyRevoke, ID)]),
    at(
        "/api/admin/settings",
        &[
            get(admin!(settings::get)),
            patch(admin!(settings::patch)).audit(Action::SettingsUpdate, AuditTarget::Handler),
        ],
    ),
    // The operator.
    at("/metrics", &[get(operator_stream!(metrics::get))]),
    at(
        "/api/operator/companies",
        &[
            get(operator!(companies::list)).query(&[PAGE]),
            post(operator!(companies::post)).audit(Action::CompanyCreate, AuditTarget::Handler),
        ],
    ),
    at(
        "/api/operator/companies/{company}/keys",
        &[
            get(operator!(companies::keys, company)),
            post(operator!(companies::add_key, company)).audit(Action::KeyCreate, AuditTarget::Handler),
        ],
    ),
    at(
        "/api/operator/companies/{company}/keys/{id}",
        &[delete(operator!(companies::revoke_key, company, id)).audit(Action::KeyRevoke, ID)],
    ),
    at(
        "/api/operator/companies/{company}/move",
        &[
            get(operator!(moves::get, company)),
            post(operator!(moves::post, company)).audit(Action::CompanyMove, AuditTarget::Handler),
            delete(operator!(moves::delete, company)).audit(Action::CompanyMoveAborted, AuditTarget::Handler),
        ],
    ),
    at("/api/operator/moves", &[get(operator!(moves::list)).query(&[PAGE])]),
    at("/api/operator/cells", &[get(operator!(moves::cells))]),
    // It changes no company, so it has no entry.
    at(
        "/api/operator/cells/{cell}",
        &[patch(operator!(moves::set_cell, cell)).audit(Action::CellState, AuditTarget::Handler)],
    ),
    at("/api/operator/backup", &[get(operator!(backup::get)).query(&[&["company", "table", "after"]])]),
    // Only the end of a restore of one company names a company, and has an entry.
    at(
        "/api/operator/restore",
        &[
            post(operator!(backup::begin)).audit(Action::CompanyRestore, AuditTarget::Handler),
            delete(operator!(backup::abort)).audit(Action::CompanyRestore, AuditTarget::Handler),
        ],
    ),
    at(
        "/api/operator/restore/batches",
        &[post(operator!(backup::batch)).audit(Action::CompanyRestore, AuditTarget::Handler)],
    ),
    at(
        "/api/operator/restore/end",
        &[post(operator!(backup::end)).audit(Action::CompanyRestore, AuditTarget::Handler)],
    ),
];

async fn segment(cx: &RequestContext, kind: &str) -> HandlerResult {
    vendor::post(cx, &VendorFormat::segment(kind).unwrap_or(VendorFormat::SegmentBatch)).await
}

async fn segment_batch(cx: &RequestContext) -> HandlerResult {
    vendor::post(cx, &VendorFormat::SegmentBatch).await
}

async fn posthog(cx: &RequestContext) -> HandlerResult {
    vendor::post(cx, &VendorFormat::PostHog).await
}

async fn jitsu(cx: &RequestContext, kind: &str) -> HandlerResult {
    vendor::post(cx, &VendorFormat::Jitsu(kind.to_owned())).await
}

/// Finds the path that matches, and its parameters. A slash at the end makes no difference.
pub(crate) fn find(path: &str) -> Option<(&'static Path, PathParameters)> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    PATHS.iter().find_map(|path| Some((path, path.parameters(&segments)?)))
}

#[cfg(test)]
mod tests {
    use worker::Method;

    use super::*;
    use crate::domain::audit::ALL;

    fn template(path: &str) -> Option<&'static str> {
        find(path).map(|(path, _)| path.template)
    }

    #[test]
    fn a_path_is_found_with_and_without_a_slash_at_its_end() {
        assert_eq!(template("/api/events"), Some("/api/events"));
        assert_eq!(template("/api/events/"), Some("/api/events"));
        let (path, parameters) = find("/api/admin/users/abc/timeline").unwrap();
        assert_eq!((path.template, parameters.get("id")), ("/api/admin/users/{id}/timeline", "abc"));
        for path in ["/", "/api", "/api/event", "/api/admin/users/a/b/c", "/api/operator", "/v1/nothing"] {
            assert_eq!(template(path), None, "{path}");
        }
        assert_eq!(template("/api/admin/export/users/xml"), None);
        assert_eq!(template("/api/admin/export/users/csv"), Some("/api/admin/export/users/{format}"));
    }

    #[test]
    fn no_path_of_the_table_hides_a_later_one() {
        for path in PATHS {
            let sample = path.template.replace("{format}", "csv").replace("{kind}", "track");
            assert_eq!(template(&sample), Some(path.template));
        }
    }

    #[test]
    fn the_allow_header_has_head_if_the_answer_is_json() {
        let allow = |path: &str| find(path).unwrap().0.allow();
        assert_eq!(allow("/api/admin/users/x"), "GET, HEAD, PATCH, DELETE, OPTIONS");
        assert_eq!(allow("/api/admin/events/stream"), "GET, OPTIONS");
        assert!(find("/api/admin/events/stream").unwrap().0.route(&Method::Head).is_none());
        assert!(find("/api/admin/users").unwrap().0.route(&Method::Head).is_some());
    }

    #[test]
    fn every_post_of_an_admin_or_the_operator_that_changes_something_takes_an_idempotency_key() {
        // Two evaluate a plan, and change nothing; a restore has numbers for what is sent twice.
        let others = ["/api/admin/plan/", "/api/operator/restore"];
        for path in PATHS {
            for route in path.routes {
                let is_theirs = matches!(route.caller, Caller::Admin | Caller::Operator) && route.method == "POST";
                let takes_one = is_theirs && !others.iter().any(|other| path.template.starts_with(other));
                assert_eq!(route.takes_idempotency_key(), takes_one, "{} {}", route.method, path.template);
            }
        }
    }

    #[test]
    fn every_route_that_changes_something_with_a_key_is_in_the_audit_log() {
        // These two evaluate a plan, and change nothing.
        let read_only = ["/api/admin/plan/infer", "/api/admin/plan/check"];
        for path in PATHS.iter().filter(|path| !read_only.contains(&path.template)) {
            for route in path.routes {
                let has_key = matches!(route.caller, Caller::Admin | Caller::Operator);
                if has_key && route.method != "GET" {
                    assert!(route.audit.is_some(), "{} {}", route.method, path.template);
                }
            }
        }
        let recorded = || PATHS.iter().flat_map(|path| path.routes).filter_map(|route| route.audit);
        for action in ALL {
            assert!(recorded().any(|(known, _)| known == action), "no route has the action {action:?}");
        }
    }
}
