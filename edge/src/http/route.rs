//! The parts of a route: its path, and for each method who may call it, the parameters of the
//! query, what the audit log records, and the handler. [`super::routes`] has the routes themselves.

use futures_util::future::LocalBoxFuture;
use worker::{Method, Response};

use crate::domain::audit::Action;
use crate::error::Error;
use crate::http::auth::{Admin, Operator};
use crate::http::context::RequestContext;

/// The result of a handler: the JSON text of a success, or an error.
pub(crate) type HandlerResult = Result<String, Error>;

/// What a request gets if it succeeds.
pub(crate) enum Success {
    /// The text of a JSON document.
    Json(String),
    /// An answer that is sent in pieces, such as an export.
    Stream(Response),
    /// The answer that an earlier request with the same `Idempotency-Key` got: its status and body.
    Replayed(u16, String),
}

/// A path of the API and its methods.
pub(crate) struct Path {
    /// Its segments. `{name}` matches any text.
    pub(crate) template: &'static str,
    /// Whether this text can be the first parameter of the path.
    takes: fn(&str) -> bool,
    /// Whether the answer may set the visitor's cookie.
    pub(crate) has_visitor_cookie: bool,
    /// One route for each method.
    pub(crate) routes: &'static [Route],
}

/// A method of a path.
pub(crate) struct Route {
    /// The HTTP method. A `GET` with a JSON answer answers `HEAD` too.
    pub(crate) method: &'static str,
    /// Who may call it.
    pub(crate) caller: Caller,
    /// Parameters that its query may have, in groups. `None` allows any: pages and vendors' clients
    /// add parameters of their own.
    query: Option<&'static [&'static [&'static str]]>,
    /// What the audit log records.
    pub(crate) audit: Option<(Action, AuditTarget)>,
    /// The function that answers it.
    pub(crate) handler: Handler,
}

/// Who calls a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A browser, on a page of any origin, without a key.
    Browser,
    /// Another vendor's client, on a page or a server.
    VendorClient,
    /// A company's server, with a key of scope `server`.
    Server,
    /// A company's admin, with a key of scope `admin`.
    Admin,
    /// The operator of the deployment, with `OPERATOR_KEY`.
    Operator,
}

/// What an action changes, for the audit log.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AuditTarget {
    /// The thing that this parameter of the path names.
    Parameter(&'static str),
    /// The thing with this id.
    Fixed(&'static str),
    /// The thing that the handler names with [`RequestContext::set_audit_target`], or nothing.
    Handler,
}

/// A handler, by the credentials that it needs.
pub(crate) enum Handler {
    /// Needs no key, or checks the key itself.
    Open(for<'a> fn(&'a RequestContext, &'a PathParameters) -> HandlerFuture<'a, String>),
    /// Needs the key of a company's admin.
    Admin(for<'a> fn(&'a RequestContext, Admin, &'a PathParameters) -> HandlerFuture<'a, String>),
    /// Needs the key of a company's admin, and writes its answer piece by piece.
    AdminStream(for<'a> fn(&'a RequestContext, Admin, &'a PathParameters) -> HandlerFuture<'a, Response>),
    /// Needs the operator's key.
    Operator(for<'a> fn(&'a RequestContext, Operator, &'a PathParameters) -> HandlerFuture<'a, String>),
    /// Needs the operator's key, and makes its answer itself.
    OperatorStream(for<'a> fn(&'a RequestContext, Operator, &'a PathParameters) -> HandlerFuture<'a, Response>),
}

impl Handler {
    /// Whether it makes its answer itself. Then the path has no `HEAD`.
    const fn is_stream(&self) -> bool {
        matches!(self, Self::AdminStream(_) | Self::OperatorStream(_))
    }
}

/// The future of a handler's answer.
pub(crate) type HandlerFuture<'a, T> = LocalBoxFuture<'a, Result<T, Error>>;

pub(crate) const fn at(template: &'static str, routes: &'static [Route]) -> Path {
    Path { template, takes: |_| true, has_visitor_cookie: false, routes }
}

impl Path {
    /// Matches only if `takes` accepts the path's first parameter.
    pub(crate) const fn only_if_first(self, takes: fn(&str) -> bool) -> Self {
        Self { takes, ..self }
    }

    pub(crate) const fn with_visitor_cookie(self) -> Self {
        Self { has_visitor_cookie: true, ..self }
    }
}

pub(crate) const fn route(method: &'static str, (caller, handler): (Caller, Handler)) -> Route {
    Route { method, caller, query: Some(&[]), audit: None, handler }
}

pub(crate) const fn get(handler: (Caller, Handler)) -> Route {
    route("GET", handler)
}

pub(crate) const fn post(handler: (Caller, Handler)) -> Route {
    route("POST", handler)
}

pub(crate) const fn put(handler: (Caller, Handler)) -> Route {
    route("PUT", handler)
}

pub(crate) const fn patch(handler: (Caller, Handler)) -> Route {
    route("PATCH", handler)
}

pub(crate) const fn delete(handler: (Caller, Handler)) -> Route {
    route("DELETE", handler)
}

impl Route {
    /// Allows these parameters of the query, and no others.
    pub(crate) const fn query(self, groups: &'static [&'static [&'static str]]) -> Self {
        Self { query: Some(groups), ..self }
    }

    /// Allows any parameter of the query.
    pub(crate) const fn any_query(self) -> Self {
        Self { query: None, ..self }
    }

    /// Has the audit log record this action.
    pub(crate) const fn audit(self, action: Action, target: AuditTarget) -> Self {
        Self { audit: Some((action, target)), ..self }
    }

    /// Whether a request may have an `Idempotency-Key`: a `POST` of an admin or the operator that
    /// changes something. A restore has numbers of its own for what is sent twice.
    pub(crate) fn takes_idempotency_key(&self) -> bool {
        self.method == "POST" && self.audit.is_some_and(|(action, _)| action != Action::CompanyRestore)
    }

    /// The parameters that its query may have. `None` means any.
    pub(crate) fn query_parameters(&self) -> Option<Vec<&'static str>> {
        self.query.map(<[_]>::concat)
    }
}

/// The parameters of a path, by their names in its template.
#[derive(Debug, Default)]
pub(crate) struct PathParameters(Vec<(&'static str, String)>);

impl PathParameters {
    /// The text of a parameter. Empty for a name that the template does not have.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// The text of a parameter, if the template has it.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(known, text)| (*known == name).then_some(text.as_str()))
    }
}

impl Path {
    /// The parameters of the path, if these segments match it.
    pub(crate) fn parameters(&self, segments: &[&str]) -> Option<PathParameters> {
        let mut parameters = PathParameters::default();
        let mut segments = segments.iter();
        for part in self.template.split('/').skip(1) {
            let segment = segments.next()?;
            if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                parameters.0.push((name, (*segment).to_owned()));
            } else if part != *segment {
                return None;
            }
        }
        let takes = parameters.0.first().is_none_or(|(_, text)| (self.takes)(text));
        (segments.next().is_none() && takes).then_some(parameters)
    }

    /// The route for a method. `HEAD` is `GET` without the body. An answer that is written piece by
    /// piece has no `HEAD`.
    pub(crate) fn route(&self, method: &Method) -> Option<&'static Route> {
        let is_head = *method == Method::Head;
        let name = if is_head { "GET" } else { method.as_ref() };
        let found = self.routes.iter().find(|route| route.method == name)?;
        (!is_head || !found.handler.is_stream()).then_some(found)
    }

    /// The value of `Allow`.
    pub(crate) fn allow(&self) -> String {
        let has_head = |route: &Route| route.method == "GET" && !route.handler.is_stream();
        let methods = self.routes.iter().flat_map(|route| [Some(route.method), has_head(route).then_some("HEAD")]);
        methods.flatten().chain(["OPTIONS"]).collect::<Vec<_>>().join(", ")
    }

    /// Whether clients of another vendor call it.
    pub(crate) fn is_vendors(&self) -> bool {
        self.routes.iter().any(|route| route.caller == Caller::VendorClient)
    }

    /// Whether pages of any origin may read the answer. The handler checks the origins that the
    /// company allows.
    pub(crate) fn is_public(&self) -> bool {
        self.routes.iter().any(|route| matches!(route.caller, Caller::Browser | Caller::VendorClient))
    }
}
