//! One request with what its handlers need: the clock, random numbers, the database and its cost, work for after the answer.

use std::cell::{OnceCell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;

use trackmate_wire::ids::hex;
use trackmate_wire::limits::SWEEP_DELIVERIES_MAX;
use worker::{Context, Date, Env, Method, Request};

use super::audit::Trace;
use crate::domain::event::Row;
use crate::store::ingest::{Outbox, Room, Stored};
use crate::store::{self, Cost, Db};
use crate::{entropy, jobs};

/// One request.
pub(super) struct Call {
    request: RefCell<Request>,
    env: Env,
    context: Rc<Context>,
    now_ms: i64,
    request_id: String,
    directory: OnceCell<Db>,
    company: OnceCell<Db>,
    room: OnceCell<Room>,
    trace: RefCell<Trace>,
}

impl Call {
    pub(super) fn new(request: Request, env: Env, context: Rc<Context>) -> Self {
        let request_id = match request.headers().get("cf-ray") {
            Ok(Some(ray)) => ray,
            Ok(None) | Err(_) => hex(&entropy::bytes::<8>()),
        };
        Self {
            request: RefCell::new(request),
            env,
            context,
            now_ms: now_ms(),
            request_id,
            directory: OnceCell::new(),
            company: OnceCell::new(),
            room: OnceCell::new(),
            trace: RefCell::default(),
        }
    }

    pub(super) fn path(&self) -> String {
        self.request.borrow().path()
    }

    /// The method, if it is one of HTTP's own: the crate takes any other for GET.
    pub(super) fn method(&self) -> Option<Method> {
        let request = self.request.borrow();
        let method = request.method();
        (method.as_ref() == request.inner().method()).then_some(method)
    }

    pub(super) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// When the request came, ms.
    pub(super) const fn now_ms(&self) -> i64 {
        self.now_ms
    }

    pub(super) const fn env(&self) -> &Env {
        &self.env
    }

    pub(super) fn context(&self) -> Rc<Context> {
        Rc::clone(&self.context)
    }

    /// What the audit log will tell of this request.
    pub(super) const fn trace(&self) -> &RefCell<Trace> {
        &self.trace
    }

    pub(super) const fn request(&self) -> &RefCell<Request> {
        &self.request
    }

    /// A header's value, trimmed; `None` when absent or empty.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let value = self.request.borrow().headers().get(name).ok().flatten()?;
        Some(value.trim().to_owned()).filter(|v| !v.is_empty())
    }

    /// A parameter of the query.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let url = web_sys::Url::new(&self.request.borrow().inner().url()).ok()?;
        url.search_params().get(name)
    }

    /// All parameters of the query, in their order.
    pub(super) fn queries(&self) -> Vec<(String, String)> {
        let Ok(url) = web_sys::Url::new(&self.request.borrow().inner().url()) else { return Vec::new() };
        let pairs = js_sys::Array::from(url.search_params().as_ref());
        let text = |pair: &js_sys::Array, place| pair.get(place).as_string().unwrap_or_default();
        pairs.iter().map(|pair| js_sys::Array::from(&pair)).map(|pair| (text(&pair, 0), text(&pair, 1))).collect()
    }

    /// The protocol (without its colon) and the host with its port that this deployment was asked by.
    pub(super) fn own_origin(&self) -> Option<(String, String)> {
        let url = web_sys::Url::new(&self.request.borrow().inner().url()).ok()?;
        Some((url.protocol().trim_end_matches(':').to_owned(), url.host()))
    }

    /// The host this deployment was asked by.
    pub(super) fn own_host(&self) -> Option<String> {
        Some(web_sys::Url::new(&self.request.borrow().inner().url()).ok()?.hostname())
    }

    /// The database of the one company that a request is for, or the directory (`None`).
    pub(super) fn db(&self, company: Option<&str>) -> store::Result<&Db> {
        let cell = if company.is_some() { &self.company } else { &self.directory };
        if let Some(db) = cell.get() {
            return Ok(db);
        }
        let db = store::database(&self.env, company)?;
        Ok(cell.get_or_init(|| db))
    }

    /// What the request cost in D1, where the deployment shows it (a development variable: the tests read it).
    pub(super) fn shown_cost(&self) -> Option<String> {
        self.env.var("DEV_SHOW_COST").ok()?;
        let costs = [&self.directory, &self.company].map(|cell| cell.get().map(Db::cost).unwrap_or_default());
        let sum = |part: fn(&Cost) -> usize| costs.iter().map(part).sum::<usize>();
        Some(format!("trips={} read={} written={}", sum(|c| c.trips), sum(|c| c.read), sum(|c| c.written)))
    }

    /// How many deliveries this invocation may attempt itself.
    pub(super) fn room(&self) -> &Room {
        self.room.get_or_init(|| jobs::flight::room(&self.env))
    }

    /// What follows from stored events once the answer is on its way: they are counted, and their deliveries go out.
    pub(super) fn stored(&self, company: &str, rows: &[Row], stored: Stored) {
        let new: HashSet<&str> = stored.new.iter().map(String::as_str).collect();
        let names = rows.iter().filter(|row| new.contains(row.id.as_str())).map(|row| row.name.as_str());
        self.emitted(company, names, stored.outbox);
    }

    /// What follows from new events of these names: they are counted, and their deliveries go out.
    pub(super) fn emitted<'a>(&self, company: &str, names: impl Iterator<Item = &'a str>, outbox: Outbox) {
        if jobs::tally::count(company, names, self.now_ms) {
            self.context.wait_until(jobs::tally::write_down(self.env.clone()));
        }
        if !outbox.is_empty() {
            self.context.wait_until(jobs::deliver::outbox(self.env.clone(), company.to_owned(), outbox));
        }
    }

    /// Attempts deliveries that were set going again once the answer is on its way.
    pub(super) fn deliver_after_answer(&self, company: &str, deliveries: Vec<String>) {
        if !deliveries.is_empty() {
            self.context.wait_until(jobs::deliver::first(self.env.clone(), company.to_owned(), deliveries));
        }
    }

    /// Moves held deliveries on once the answer is on its way; what is too much for one run, the sweep goes on with.
    pub(super) fn release_after_answer(&self) {
        let env = self.env.clone();
        self.context.wait_until(async move { jobs::sweep::recover(&env, SWEEP_DELIVERIES_MAX).await });
    }

    /// Does this once the answer is on its way.
    pub(super) fn after_answer(&self, work: impl Future<Output = ()> + 'static) {
        self.context.wait_until(work);
    }
}

/// The clock, ms. It stands still between two calls of the runtime.
pub(crate) fn now_ms() -> i64 {
    i64::try_from(Date::now().as_millis()).unwrap_or_default()
}
