//! What a command needs of the world around it: the time, the databases, an id for the log, work
//! for after the answer. It knows no request, so that what came by a queue is stored by the same
//! commands.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, MaybeDone, join, join_all, maybe_done};
use trackmate_wire::limits::TRIPS_MAX;
use worker::Env;

use crate::store::outbox::Outbox;
use crate::store::request::LeaseBudget;
use crate::store::{self, Cost, Db};

/// What one request or one queued message is worked on with.
pub(crate) struct Context {
    env: Env,
    worker: Rc<worker::Context>,
    now_ms: i64,
    request_id: String,
    directory: OnceCell<Db>,
    company: OnceCell<Db>,
    /// Whether what is asked of D1 waits to go together.
    gathers: Cell<bool>,
    /// How many deliveries this invocation may lease.
    lease_budget: OnceCell<LeaseBudget>,
    /// Deliveries that wait to go out once the work is done, by company.
    outboxes: RefCell<BTreeMap<String, Outbox>>,
    /// Whether the use of the request's key is noted.
    is_key_noted: Cell<bool>,
}

impl Context {
    /// `now_ms` is when the request came. `request_id` names it in the log and in its answer.
    pub(crate) fn new(env: Env, worker: Rc<worker::Context>, now_ms: i64, request_id: String) -> Self {
        Self {
            env,
            worker,
            now_ms,
            request_id,
            directory: OnceCell::new(),
            company: OnceCell::new(),
            gathers: Cell::default(),
            lease_budget: OnceCell::new(),
            outboxes: RefCell::default(),
            is_key_noted: Cell::default(),
        }
    }

    pub(crate) const fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn worker(&self) -> Rc<worker::Context> {
        Rc::clone(&self.worker)
    }

    /// When the request came, ms.
    pub(crate) const fn now_ms(&self) -> i64 {
        self.now_ms
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
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

    /// Does these side by side → what came of each, in their order. Whatever they ask of D1 while
    /// all of them wait goes in one round trip, in the order of the tasks. So as many tasks as
    /// there may be cost as many round trips as the longest of them. Of two that write the same,
    /// the later one sees the earlier.
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

    /// Does work whose parts ask D1 side by side: sends what they ask whenever all of them wait.
    /// Part of other such work, it leaves that to the whole.
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

    /// What the request cost in D1, where the deployment shows it (a development variable: the
    /// tests read it).
    pub(crate) fn shown_cost(&self) -> Option<String> {
        self.env.var("DEV_SHOW_COST").ok()?;
        let [directory, company] =
            [&self.directory, &self.company].map(|cell| cell.get().map(Db::cost).unwrap_or_default());
        let Cost { trips, statements, read, written } = directory + company;
        Some(format!("trips={trips} statements={statements} read={read} written={written}"))
    }

    /// How many deliveries this invocation may lease, as `room` says when it is asked first.
    pub(crate) fn lease_budget_or(&self, budget: impl FnOnce() -> LeaseBudget) -> &LeaseBudget {
        self.lease_budget.get_or_init(budget)
    }

    /// Keeps deliveries that are to go out once the work is done.
    pub(crate) fn emitted(&self, company: &str, outbox: Outbox) {
        self.outboxes.borrow_mut().entry(company.to_owned()).or_default().extend(outbox);
    }

    /// The deliveries kept so far, by company.
    pub(crate) fn take_outboxes(&self) -> BTreeMap<String, Outbox> {
        self.outboxes.take()
    }

    /// Whether the request may ask D1 for more: it has a bound, whatever came in between. What is
    /// over is sent again, and goes on from there.
    pub(crate) fn has_trips(&self) -> bool {
        self.dbs().map(|db| db.cost().trips).sum::<usize>() < TRIPS_MAX
    }

    /// Whether the use of the request's key is still to be noted: once a request, however often the
    /// key is looked up.
    pub(crate) fn is_key_to_note(&self) -> bool {
        !self.is_key_noted.replace(true)
    }

    /// Does this once the answer is on its way.
    pub(crate) fn after_answer(&self, work: impl Future<Output = ()> + 'static) {
        self.worker.wait_until(work);
    }
}

/// A request whose batches wait to go together, until this is dropped.
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
