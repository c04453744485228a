//! One request with what its handlers need: the clock, random numbers, the database and its cost, work for after the answer.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, MaybeDone, join, join_all, maybe_done};
use trackmate_wire::hex::hex;
use trackmate_wire::limits::{SWEEP_DELIVERIES_MAX, TRIPS_MAX};
use worker::{Context, Env, Method, Request};

use crate::domain::bot;
use crate::domain::event;
use crate::http::audit::Trace;
use crate::ingest::outcome_log::Told;
use crate::jobs;
use crate::runtime::clock::now_ms;
use crate::runtime::random;
use crate::store::ingest::{Outbox, Room};
use crate::store::{self, Cost, Db};

/// What is still asked of a request that is taken up again.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
    /// The page's origin.
    pub(crate) origin: Option<&'a str>,
    /// The `User-Agent`.
    pub(crate) agent: Option<&'a str>,
    /// Its seed.
    pub(crate) seed: Option<&'a str>,
}

/// One request.
pub(crate) struct Call {
    request: RefCell<Request>,
    env: Env,
    context: Rc<Context>,
    now_ms: i64,
    request_id: String,
    directory: OnceCell<Db>,
    company: OnceCell<Db>,
    room: OnceCell<Room>,
    trace: RefCell<Trace>,
    told: RefCell<Told>,
    seed: OnceCell<String>,
    ids: Cell<u32>,
    /// Whether what is asked of D1 waits to go together.
    gathers: Cell<bool>,
    /// Deliveries that wait to go out together, by company.
    outboxes: RefCell<BTreeMap<String, Outbox>>,
    /// Whether the use of the request's key is noted.
    is_key_noted: Cell<bool>,
}

impl Call {
    pub(crate) fn new(request: Request, env: Env, context: Rc<Context>) -> Self {
        let request_id = match request.headers().get("cf-ray") {
            Ok(Some(ray)) => ray,
            Ok(None) | Err(_) => hex(&random::bytes::<8>()),
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
            told: RefCell::default(),
            seed: OnceCell::new(),
            ids: Cell::default(),
            gathers: Cell::default(),
            outboxes: RefCell::default(),
            is_key_noted: Cell::default(),
        }
    }

    /// A request that came at `now_ms` and is taken up again from the spill queue, with what is still asked of its headers and its [`Self::seed`].
    pub(crate) fn again(env: Env, context: Rc<Context>, now_ms: i64, asked: Asked<'_>) -> worker::Result<Self> {
        let request = Request::new("https://spill.invalid/", Method::Post)?;
        for (name, value) in [("origin", asked.origin), ("user-agent", asked.agent)] {
            if let Some(value) = value {
                request.inner().headers().set(name, value)?;
            }
        }
        let call = Self { now_ms, ..Self::new(request, env, context) };
        // Its deliveries are woken instead of leased: the leases would be as old as the request.
        call.room.get_or_init(|| Room { events: 0, busy: "[]".to_owned() });
        if let Some(seed) = asked.seed {
            call.seed.get_or_init(|| seed.to_owned());
        }
        Ok(call)
    }

    /// What the ids are made of that a sender left to us.
    pub(crate) fn seed(&self) -> &str {
        self.seed.get_or_init(|| hex(&random::bytes::<16>()))
    }

    /// An id for an event that brings none: the same for the n-th of a request, however often that is taken up again.
    pub(crate) fn message_id(&self) -> String {
        let n = self.ids.get();
        self.ids.set(n + 1);
        event::content_id(&[self.seed(), &n.to_string()])
    }

    pub(crate) fn path(&self) -> String {
        self.request.borrow().path()
    }

    /// The method, if it is one of HTTP's own: the crate takes any other for GET.
    pub(crate) fn method(&self) -> Option<Method> {
        let request = self.request.borrow();
        let method = request.method();
        (method.as_ref() == request.inner().method()).then_some(method)
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// When the request came, ms.
    pub(crate) const fn now_ms(&self) -> i64 {
        self.now_ms
    }

    pub(crate) const fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn context(&self) -> Rc<Context> {
        Rc::clone(&self.context)
    }

    /// What the audit log will tell of this request.
    pub(crate) const fn trace(&self) -> &RefCell<Trace> {
        &self.trace
    }

    /// What will be noted of the items of this request.
    pub(crate) const fn told(&self) -> &RefCell<Told> {
        &self.told
    }

    pub(crate) const fn request(&self) -> &RefCell<Request> {
        &self.request
    }

    /// A header's value, trimmed; `None` when absent or empty.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let value = self.request.borrow().headers().get(name).ok().flatten()?;
        Some(value.trim().to_owned()).filter(|v| !v.is_empty())
    }

    /// Whether a machine sends this, by its own word.
    pub(crate) fn is_bot(&self) -> bool {
        self.header("user-agent").is_some_and(|agent| bot::is_agent(&agent))
    }

    /// A parameter of the query.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let url = web_sys::Url::new(&self.request.borrow().inner().url()).ok()?;
        url.search_params().get(name)
    }

    /// All parameters of the query, in their order.
    pub(crate) fn queries(&self) -> Vec<(String, String)> {
        let Ok(url) = web_sys::Url::new(&self.request.borrow().inner().url()) else { return Vec::new() };
        let pairs = js_sys::Array::from(url.search_params().as_ref());
        let text = |pair: &js_sys::Array, place| pair.get(place).as_string().unwrap_or_default();
        pairs.iter().map(|pair| js_sys::Array::from(&pair)).map(|pair| (text(&pair, 0), text(&pair, 1))).collect()
    }

    /// The protocol (without its colon) and the host with its port that this deployment was asked by.
    pub(crate) fn own_origin(&self) -> Option<(String, String)> {
        let url = web_sys::Url::new(&self.request.borrow().inner().url()).ok()?;
        Some((url.protocol().trim_end_matches(':').to_owned(), url.host()))
    }

    /// The host this deployment was asked by.
    pub(crate) fn own_host(&self) -> Option<String> {
        Some(web_sys::Url::new(&self.request.borrow().inner().url()).ok()?.hostname())
    }

    /// The database of the one company that a request is for, or the directory (`None`).
    pub(crate) fn db(&self, company: Option<&str>) -> store::Result<&Db> {
        let cell = if company.is_some() { &self.company } else { &self.directory };
        if let Some(db) = cell.get() {
            return Ok(db);
        }
        let db = store::database(&self.env, company)?;
        db.gather(self.gathers.get());
        Ok(cell.get_or_init(|| db))
    }

    fn dbs(&self) -> impl Iterator<Item = &Db> {
        [&self.directory, &self.company].into_iter().filter_map(OnceCell::get)
    }

    /// Does these side by side → what came of each, in their order. Whatever they ask of D1 while all of them wait goes in one round trip, in the order of the
    /// tasks. So as many tasks as there may be cost as many round trips as the longest of them. Of two that write the same, the later one sees the earlier.
    pub(crate) async fn together<T>(&self, tasks: Vec<LocalBoxFuture<'_, T>>) -> Vec<T> {
        let mut tasks: Vec<MaybeDone<LocalBoxFuture<'_, T>>> = tasks.into_iter().map(maybe_done).collect();
        self.gather(poll_fn(move |context| {
            let mut waits = false;
            for task in &mut tasks {
                waits |= task.poll_unpin(context).is_pending();
            }
            if waits {
                return Poll::Pending;
            }
            Poll::Ready(tasks.iter_mut().filter_map(|task| Pin::new(task).take_output()).collect())
        }))
        .await
    }

    /// Does two things side by side, likewise.
    pub(crate) async fn both<A, B>(&self, one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
        self.gather(join(one, other)).await
    }

    /// Does work whose parts ask D1 side by side: sends what they ask whenever all of them wait. Part of other such work, it leaves that to the whole.
    async fn gather<T>(&self, work: impl Future<Output = T>) -> T {
        if self.gathers.get() {
            return work.await;
        }
        let gathering = Gathering::of(self);
        let (mut work, mut flush) = (pin!(work), None::<LocalBoxFuture<'_, ()>>);
        let done = poll_fn(|context| {
            loop {
                if let Poll::Ready(done) = work.as_mut().poll(context) {
                    return Poll::Ready(done);
                }
                if flush.is_none() && self.dbs().any(Db::has_gathered) {
                    flush = Some(join_all(self.dbs().map(Db::flush)).map(drop).boxed_local());
                }
                match flush.as_mut().map(|flush| flush.poll_unpin(context)) {
                    Some(Poll::Ready(())) => flush = None,
                    Some(Poll::Pending) | None => return Poll::Pending,
                }
            }
        })
        .await;
        drop(gathering);
        self.deliver_gathered();
        done
    }

    /// What the request cost in D1, where the deployment shows it (a development variable: the tests read it).
    pub(crate) fn shown_cost(&self) -> Option<String> {
        self.env.var("DEV_SHOW_COST").ok()?;
        let [directory, company] =
            [&self.directory, &self.company].map(|cell| cell.get().map(Db::cost).unwrap_or_default());
        let Cost { trips, statements, read, written } = directory + company;
        Some(format!("trips={trips} statements={statements} read={read} written={written}"))
    }

    /// How many deliveries of the company that the request is for this invocation may attempt itself.
    pub(crate) fn room(&self, company: &str) -> &Room {
        self.room.get_or_init(|| crate::delivery::concurrency::room(&self.env, company))
    }

    /// What follows from new events once the answer is on its way: their deliveries go out.
    pub(crate) fn emitted(&self, company: &str, outbox: Outbox) {
        self.outboxes.borrow_mut().entry(company.to_owned()).or_default().extend(outbox);
        if !self.gathers.get() {
            self.deliver_gathered();
        }
    }

    /// Has deliveries go out once the answer is on its way: as one outbox, for what an invocation attempts itself has a bound.
    fn deliver_gathered(&self) {
        for (company, outbox) in self.outboxes.take() {
            if !outbox.is_empty() {
                self.context.wait_until(crate::delivery::dispatch::outbox(self.env.clone(), company, outbox));
            }
        }
    }

    /// Attempts deliveries that were set going again once the answer is on its way.
    pub(crate) fn deliver_after_answer(&self, company: &str, deliveries: Vec<String>) {
        if !deliveries.is_empty() {
            self.context.wait_until(crate::delivery::dispatch::first(self.env.clone(), company.to_owned(), deliveries));
        }
    }

    /// Moves held deliveries on once the answer is on its way; what is too much for one run, the sweep goes on with.
    pub(crate) fn release_after_answer(&self) {
        let env = self.env.clone();
        self.context.wait_until(async move { jobs::sweep::recover(&env, SWEEP_DELIVERIES_MAX).await });
    }

    /// Whether the request may ask D1 for more: it has a bound, whatever came in between. What is over is sent again, and goes on from there.
    pub(crate) fn has_trips(&self) -> bool {
        self.dbs().map(|db| db.cost().trips).sum::<usize>() < TRIPS_MAX
    }

    /// Whether the use of the request's key is still to be noted: once a request, however often the key is looked up.
    pub(crate) fn is_key_to_note(&self) -> bool {
        !self.is_key_noted.replace(true)
    }

    /// Does this once the answer is on its way.
    pub(crate) fn after_answer(&self, work: impl Future<Output = ()> + 'static) {
        self.context.wait_until(work);
    }
}

/// A request whose batches wait to go together, until this is dropped.
struct Gathering<'a>(&'a Call);

impl<'a> Gathering<'a> {
    fn of(call: &'a Call) -> Self {
        call.gathers.set(true);
        call.dbs().for_each(|db| db.gather(true));
        Self(call)
    }
}

impl Drop for Gathering<'_> {
    fn drop(&mut self) {
        self.0.gathers.set(false);
        self.0.dbs().for_each(|db| db.gather(false));
    }
}
