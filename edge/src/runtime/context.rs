//! The environment of a command: the time, the databases, an id for the log, work after the answer.
//! It knows no HTTP request, so the same commands also store requests from a queue.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::ops::Add;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, MaybeDone, join, join_all, maybe_done};
use trackmate_wire::limits::TRIPS_MAX;
use worker::Env;

use crate::runtime::random;
use crate::store::outbox::Outbox;
use crate::store::request::LeaseBudget;
use crate::store::{self, ChangeStamp, Cost, Db};
use crate::vars::Vars;

/// The environment of one request or one queued message.
pub(crate) struct Context {
    env: Env,
    worker: Rc<worker::Context>,
    now_ms: i64,
    request_id: String,
    directory: OnceCell<Db>,
    /// The database of the company of the request's key.
    key: OnceCell<Db>,
    company: OnceCell<Db>,
    /// Whether D1 batches wait to be sent together.
    gathers: Cell<bool>,
    /// The deliveries that this invocation may lease.
    lease_budget: OnceCell<LeaseBudget>,
    /// Deliveries to dispatch once the work is done, by company.
    outboxes: RefCell<BTreeMap<String, Outbox>>,
    /// Whether the use of the request's key is recorded.
    is_key_use_recorded: Cell<bool>,
}

impl Context {
    /// `now_ms` is the time of arrival. `request_id` identifies the request in the log and the
    /// answer.
    pub(crate) fn new(env: Env, worker: Rc<worker::Context>, now_ms: i64, request_id: String) -> Self {
        Self {
            env,
            worker,
            now_ms,
            request_id,
            directory: OnceCell::new(),
            key: OnceCell::new(),
            company: OnceCell::new(),
            gathers: Cell::default(),
            lease_budget: OnceCell::new(),
            outboxes: RefCell::default(),
            is_key_use_recorded: Cell::default(),
        }
    }

    /// The marker and the time of another change.
    pub(crate) fn stamp(&self) -> ChangeStamp {
        ChangeStamp { marker: random::number(), now_ms: self.now_ms }
    }

    pub(crate) const fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn worker(&self) -> Rc<worker::Context> {
        Rc::clone(&self.worker)
    }

    /// The time of arrival, ms.
    pub(crate) const fn now_ms(&self) -> i64 {
        self.now_ms
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The database of the request's company.
    ///
    /// # Errors
    /// If the binding is missing, or the request has used the database of another company.
    pub(crate) fn db(&self, company: &str) -> store::Result<&Db> {
        let db = self.open(&self.company, || store::database(&self.env, Some(company)))?;
        if db.is_of_another(company) {
            return Err(worker::Error::RustError("a request uses the databases of two companies".into()));
        }
        Ok(db)
    }

    /// The database of the company of the request's key, which is given by its hash.
    ///
    /// # Errors
    /// If the binding is missing.
    pub(crate) fn db_of_key(&self, hash: &str) -> store::Result<&Db> {
        self.open(&self.key, || store::database_of_key(&self.env, hash))
    }

    /// The same database for reads that may be of some seconds ago, unless [`Self::db`] was called
    /// before.
    ///
    /// # Errors
    /// If the binding is missing.
    pub(crate) fn replica(&self, company: &str) -> store::Result<&Db> {
        if let Some(db) = self.company.get() {
            return Ok(db);
        }
        let db = store::replica(&self.env, company)?;
        Ok(self.company.get_or_init(|| db))
    }

    /// The database of what belongs to no company.
    ///
    /// # Errors
    /// If the binding is missing.
    pub(crate) fn directory(&self) -> store::Result<&Db> {
        self.open(&self.directory, || store::database(&self.env, None))
    }

    fn open<'a>(&'a self, place: &'a OnceCell<Db>, open: impl Fn() -> store::Result<Db>) -> store::Result<&'a Db> {
        if let Some(db) = place.get() {
            return Ok(db);
        }
        let db = open()?;
        db.gather(self.gathers.get());
        Ok(place.get_or_init(|| db))
    }

    fn dbs(&self) -> impl Iterator<Item = &Db> {
        [&self.directory, &self.key, &self.company].into_iter().filter_map(OnceCell::get)
    }

    /// Runs tasks in parallel. → Their results, in their order. When all tasks wait for D1, their
    /// batches go in one round trip, in the order of the tasks. So any number of tasks costs as
    /// many round trips as the longest one. Of two tasks that write the same row, the later one
    /// sees the write of the earlier.
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

    /// Runs two futures in parallel, like [`Self::together`].
    pub(crate) async fn both<A, B>(&self, one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
        self.gather(join(one, other)).await
    }

    /// Runs work whose parts use D1 in parallel: sends their batches whenever all parts wait. If it
    /// is itself part of such work, the outer call sends them.
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
        done
    }

    /// The cost of the request in D1, if the deployment shows it. The tests read it; a development
    /// variable turns it on.
    pub(crate) fn shown_cost(&self) -> Option<String> {
        if !Vars::of(&self.env).shows_cost {
            return None;
        }
        let Cost { trips, statements, read, written } = self.dbs().map(Db::cost).fold(Cost::default(), Cost::add);
        Some(format!("trips={trips} statements={statements} read={read} written={written}"))
    }

    /// The deliveries that this invocation may lease. The first call computes it with `budget`.
    pub(crate) fn lease_budget_or(&self, budget: impl FnOnce() -> LeaseBudget) -> &LeaseBudget {
        self.lease_budget.get_or_init(budget)
    }

    /// Adds deliveries to dispatch once the work is done.
    pub(crate) fn dispatch_later(&self, company: &str, outbox: Outbox) {
        self.outboxes.borrow_mut().entry(company.to_owned()).or_default().extend(outbox);
    }

    /// Takes the deliveries added so far, by company.
    pub(crate) fn take_outboxes(&self) -> BTreeMap<String, Outbox> {
        self.outboxes.take()
    }

    /// Whether the request may make another round trip to D1. Above the limit the caller has to
    /// send it again, and it goes on where it stopped.
    pub(crate) fn has_trips(&self) -> bool {
        self.dbs().map(|db| db.cost().trips).sum::<usize>() < TRIPS_MAX
    }

    /// Whether the use of the key is still to be recorded: true once per request.
    pub(crate) fn must_record_key_use(&self) -> bool {
        !self.is_key_use_recorded.replace(true)
    }

    /// Runs work once the answer is sent.
    pub(crate) fn after_answer(&self, work: impl Future<Output = ()> + 'static) {
        self.worker.wait_until(work);
    }
}

/// While it lives, D1 batches wait to be sent together.
struct Gathering<'a>(&'a Context);

impl<'a> Gathering<'a> {
    fn of(cx: &'a Context) -> Self {
        cx.gathers.set(true);
        cx.dbs().for_each(|db| db.gather(true));
        Self(cx)
    }
}

impl Drop for Gathering<'_> {
    fn drop(&mut self) {
        self.0.gathers.set(false);
        self.0.dbs().for_each(|db| db.gather(false));
    }
}
