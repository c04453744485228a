//! One HTTP request, and everything that its handler needs.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;

use serde_json::Value;
use trackmate_wire::hex::hex;
use trackmate_wire::problem::{Code, Problem};
use worker::{Env, Method, Request};

use crate::domain::event;
use crate::ingest::context::{Client, IngestContext};
use crate::runtime::clock::now_ms;
use crate::runtime::context::Context;
use crate::runtime::random;
use crate::store::audit::Actor;
use crate::store::idempotency::Claim;

/// One HTTP request. It derefs to an [`IngestContext`], and that to a [`Context`], so a command can
/// take the one that it needs.
pub(crate) struct RequestContext {
    request: RefCell<Request>,
    audit_trace: RefCell<AuditTrace>,
    /// The body, if it was read before the handler runs.
    body: RefCell<Option<Vec<u8>>>,
    /// The request's claim of its `Idempotency-Key`, while it runs.
    claim: RefCell<Option<Rc<Claim>>>,
    ingest: IngestContext,
}

/// What the audit log records of a request.
#[derive(Default)]
pub(crate) struct AuditTrace {
    /// Who calls.
    pub(crate) actor: Option<Actor>,
    pub(crate) company: Option<String>,
    /// What the handler changed.
    pub(crate) target: Option<String>,
}

impl Deref for RequestContext {
    type Target = IngestContext;

    fn deref(&self) -> &IngestContext {
        &self.ingest
    }
}

impl RequestContext {
    pub(crate) fn new(request: Request, env: Env, worker: Rc<worker::Context>) -> Self {
        let request_id = match request.headers().get("cf-ray") {
            Ok(Some(ray)) => ray,
            Ok(None) | Err(_) => hex(&random::bytes::<8>()),
        };
        let header = |name| header(&request, name);
        let client = Client { origin: header("origin"), user_agent: header("user-agent") };
        let ingest = IngestContext::new(Context::new(env, worker, now_ms(), request_id), client);
        let request = RefCell::new(request);
        Self { request, audit_trace: RefCell::default(), body: RefCell::default(), claim: RefCell::default(), ingest }
    }

    /// Puts back a body that was read, so that the handler can read it too.
    pub(crate) fn put_back_body(&self, bytes: Vec<u8>) {
        self.body.replace(Some(bytes));
    }

    /// Takes the body that was read before.
    pub(crate) fn take_body(&self) -> Option<Vec<u8>> {
        self.body.take()
    }

    /// Records that the request has claimed its `Idempotency-Key`.
    pub(crate) fn set_claim(&self, claim: Claim) {
        self.claim.replace(Some(Rc::new(claim)));
    }

    /// The request's claim of its `Idempotency-Key`.
    pub(crate) fn claim(&self) -> Option<Rc<Claim>> {
        self.claim.borrow().clone()
    }

    /// Records who calls and for which company, after the check of the key.
    pub(crate) fn set_actor(&self, company: Option<&str>, actor: Actor) {
        let mut audit_trace = self.audit_trace.borrow_mut();
        audit_trace.actor = Some(actor);
        audit_trace.company = company.map(str::to_owned);
    }

    /// Records what the request created or changed, for the audit log.
    pub(crate) fn set_audit_target(&self, id: &str) {
        self.audit_trace.borrow_mut().target = Some(id.to_owned());
    }

    /// Takes what was recorded for the audit log.
    pub(crate) fn take_audit_trace(&self) -> AuditTrace {
        self.audit_trace.take()
    }

    pub(crate) fn path(&self) -> String {
        self.request.borrow().path()
    }

    /// The method, if HTTP defines it. The `worker` crate reads any other method as GET.
    pub(crate) fn method(&self) -> Option<Method> {
        let request = self.request.borrow();
        let method = request.method();
        (method.as_ref() == request.inner().method()).then_some(method)
    }

    pub(crate) const fn request(&self) -> &RefCell<Request> {
        &self.request
    }

    /// The path and the query of the request's URL.
    pub(crate) fn path_and_query(&self) -> String {
        let url = web_sys::Url::new(&self.request.borrow().inner().url());
        url.map_or_else(|_| self.path(), |url| format!("{}{}", url.pathname(), url.search()))
    }

    /// A header's value as it was sent, which may be empty.
    pub(crate) fn raw_header(&self, name: &str) -> Option<String> {
        self.request.borrow().headers().get(name).ok().flatten()
    }

    /// A header's value, trimmed; `None` when absent or empty.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        header(&self.request.borrow(), name)
    }

    /// A parameter of the query.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let url = self.request.borrow().inner().url();
        if !url.contains('?') {
            return None;
        }
        web_sys::Url::new(&url).ok()?.search_params().get(name)
    }

    /// A parameter of the query; `None` when absent or empty.
    pub(crate) fn filled_query(&self, name: &str) -> Option<String> {
        self.query(name).filter(|text| !text.is_empty())
    }

    /// A parameter of the query that is a time, in milliseconds.
    pub(crate) fn query_time(&self, name: &'static str) -> Result<Option<i64>, Problem> {
        self.query(name).map(|text| event::time(&Value::String(text), name)).transpose()
    }

    /// A parameter of the query that is `true` or `false`; false when absent.
    pub(crate) fn query_flag(&self, name: &'static str) -> Result<bool, Problem> {
        match self.query(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::field(Code::InvalidField, name, format!("{name} is true or false"))),
        }
    }

    /// All parameters of the query, in their order.
    pub(crate) fn queries(&self) -> Vec<(String, String)> {
        let Ok(url) = web_sys::Url::new(&self.request.borrow().inner().url()) else { return Vec::new() };
        let pairs = js_sys::Array::from(url.search_params().as_ref());
        let text = |pair: &js_sys::Array, index| pair.get(index).as_string().unwrap_or_default();
        pairs.iter().map(|pair| js_sys::Array::from(&pair)).map(|pair| (text(&pair, 0), text(&pair, 1))).collect()
    }

    /// The protocol (without its colon) and the host (with its port) of the request's URL.
    pub(crate) fn request_origin(&self) -> Option<(String, String)> {
        let url = web_sys::Url::new(&self.request.borrow().inner().url()).ok()?;
        Some((url.protocol().trim_end_matches(':').to_owned(), url.host()))
    }

    /// The host of the request's URL, without its port.
    pub(crate) fn request_host(&self) -> Option<String> {
        Some(web_sys::Url::new(&self.request.borrow().inner().url()).ok()?.hostname())
    }
}

fn header(request: &Request, name: &str) -> Option<String> {
    let value = request.headers().get(name).ok().flatten()?;
    Some(value.trim().to_owned()).filter(|v| !v.is_empty())
}
