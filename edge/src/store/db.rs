//! A database: which one it is, how batches reach it, and what they cost.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::ops::Add;
use std::rc::Rc;
use std::task::Poll;

use js_sys::Array;
use serde_json::Value;
use trackmate_wire::limits::STATEMENTS_MAX;
use wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{D1Database, D1PreparedStatement, D1SessionConstraint, Env, console_error, worker_sys};

use super::answer::{Answer, Answers, Batch, Result};
use super::param::{Param, Statement};
use super::sql;
use crate::domain::outage;
use crate::vars::Vars;

/// The database that holds this company's data; `None` is the directory of companies and keys. Both
/// are the same database today. Only this function names a binding.
///
/// # Errors
/// When the deployment has no such binding.
pub fn database(env: &Env, _company: Option<&str>) -> Result<Db> {
    let vars = Vars::of(env);
    Ok(Db {
        d1: env.d1("DB")?,
        bytes_max: vars.d1_bytes_max,
        counts_rows: vars.shows_cost,
        cost: Cell::default(),
        last_answer: RefCell::default(),
        gathered: RefCell::default(),
    })
}

/// The database of [`database`] for reads that may be of some seconds ago. If the deployment says
/// so, they go through a session of D1, which reads the nearest replica. What the session writes
/// goes to the primary, and its later reads see it.
///
/// # Errors
/// When the deployment has no such binding.
pub fn replica(env: &Env, company: &str) -> Result<Db> {
    let mut db = database(env, Some(company))?;
    if Vars::of(env).reads_replicas {
        let session = db.d1.with_session_constraint(D1SessionConstraint::FirstUnconstrained)?;
        // A session has the methods of a database that are used here.
        db.d1 = D1Database::unchecked_from_js(JsValue::from(session));
    }
    Ok(db)
}

/// An isolate looks at the size of the database in one round trip of so many, and in its first.
/// Reading a count of D1's costs as much as a small statement.
const SIZE_EVERY_TRIPS: usize = 16;

thread_local! {
    /// The cost of all statements of this isolate so far.
    static TOTAL: Cell<Cost> = const { Cell::new(Cost { trips: 0, statements: 0, read: 0, written: 0 }) };
    /// The highest step of the database's size that this isolate has warned about.
    static WARNED: Cell<i64> = const { Cell::new(0) };
}

/// The cost of all statements of this isolate so far, including those after answers and in jobs.
#[must_use]
pub fn total() -> Cost {
    TOTAL.get()
}

/// Warns the operator that the database fills up, once per isolate and step.
fn watch_size(bytes: i64, bytes_max: i64) {
    let step = outage::step(bytes, bytes_max);
    if step > WARNED.replace(step) {
        console_error!(
            "the database is {step} % full: {bytes} of {bytes_max} bytes \
             (docs/deploy.md, \"When the database fills up\")"
        );
    }
}

/// The cost of statements, by D1's own count.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Round trips.
    pub trips: usize,
    /// Statements in them.
    pub statements: usize,
    /// Rows read.
    pub read: usize,
    /// Rows written, including those of indexes.
    pub written: usize,
}

impl Add for Cost {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        let Self { trips, statements, read, written } = more;
        Self {
            trips: self.trips + trips,
            statements: self.statements + statements,
            read: self.read + read,
            written: self.written + written,
        }
    }
}

/// A database, and the cost of the statements that were sent to it.
#[derive(Debug)]
pub struct Db {
    d1: D1Database,
    bytes_max: i64,
    /// Whether the cost has rows too. Reading D1's counts costs more than a small statement.
    counts_rows: bool,
    cost: Cell<Cost>,
    /// The last answer of D1. It has the size of the database.
    last_answer: RefCell<Option<Answer>>,
    /// Batches that wait to go out together; `None` while each goes out alone.
    gathered: RefCell<Option<Vec<Gathered>>>,
}

/// Takes the turn of a job that only one isolate may do at a time, for all companies. `false` if an
/// isolate took it within the last `every_ms`.
///
/// # Errors
/// D1's.
pub async fn take_turn(db: &Db, job: &str, now_ms: i64, every_ms: i64) -> Result<bool> {
    let (now, before) = (now_ms.to_string(), now_ms - every_ms);
    Ok(db.run(sql::PROGRESS_TAKE, &[job.into(), (&now).into(), before.into()]).await?.written()? > 0)
}

/// A batch that waits for others, and the place for its answers.
#[derive(Debug)]
struct Gathered {
    statements: Vec<D1PreparedStatement>,
    answers: Gathering,
}

/// The place for the answers of a gathered batch.
type Gathering = Rc<RefCell<Option<Result<Vec<Answer>>>>>;

impl Db {
    /// Binds statements to this database.
    ///
    /// # Errors
    /// When D1 refuses a parameter.
    pub fn bind_all(&self, statements: &[Statement]) -> Result<Vec<D1PreparedStatement>> {
        let param = |value: &Value| match value {
            Value::String(text) => JsValue::from_str(text),
            Value::Number(n) => n.as_f64().map_or(JsValue::NULL, JsValue::from_f64),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => JsValue::NULL,
        };
        let bound = |s: &Statement| self.d1.prepare(s.sql).bind(&s.params.iter().map(param).collect::<Vec<_>>());
        statements.iter().map(bound).collect()
    }

    /// Binds a statement's parameters.
    ///
    /// # Errors
    /// When D1 refuses a parameter.
    pub fn bind(&self, sql: &str, params: &[Param<'_>]) -> Result<D1PreparedStatement> {
        let values: Vec<JsValue> = params.iter().map(|p| (*p).into()).collect();
        self.d1.prepare(sql).bind(&values)
    }

    /// Runs statements as one transaction in one round trip: all or none.
    ///
    /// # Errors
    /// D1's; nothing was written then.
    pub async fn batch(&self, statements: Vec<D1PreparedStatement>) -> Result<Vec<Answer>> {
        if self.gathered.borrow().is_none() {
            return self.send(statements).await;
        }
        let answers = Gathering::default();
        if let Some(gathered) = &mut *self.gathered.borrow_mut() {
            gathered.push(Gathered { statements, answers: Rc::clone(&answers) });
        }
        poll_fn(move |_| answers.borrow_mut().take().map_or(Poll::Pending, Poll::Ready)).await
    }

    /// Runs a batch: all of its statements or none. The slots of the batch find their answers.
    ///
    /// # Errors
    /// D1's; nothing was written then.
    pub async fn run_batch(&self, batch: Batch) -> Result<Answers> {
        Ok(Answers::new(self.batch(batch.into_statements()).await?))
    }

    /// Whether batches wait for [`Db::flush`] from now on.
    pub fn gather(&self, gathers: bool) {
        *self.gathered.borrow_mut() = gathers.then(Vec::new);
    }

    /// Whether batches wait.
    #[must_use]
    pub fn has_gathered(&self) -> bool {
        self.gathered.borrow().as_ref().is_some_and(|gathered| !gathered.is_empty())
    }

    /// Sends the waiting batches in their order. One transaction takes as many batches as fit into
    /// its number of statements. No batch is split, so each stays atomic.
    pub async fn flush(&self) {
        let gathered = self.gathered.borrow_mut().as_mut().map(std::mem::take).unwrap_or_default();
        let mut together: Vec<Gathered> = Vec::new();
        let mut statements = 0;
        for batch in gathered {
            if statements + batch.statements.len() > STATEMENTS_MAX && !together.is_empty() {
                self.send_together(std::mem::take(&mut together)).await;
                statements = 0;
            }
            statements += batch.statements.len();
            together.push(batch);
        }
        self.send_together(together).await;
    }

    async fn send_together(&self, batches: Vec<Gathered>) {
        let mut statements = Vec::new();
        let mut places = Vec::with_capacity(batches.len());
        for Gathered { statements: own, answers } in batches {
            places.push((own.len(), answers));
            statements.extend(own);
        }
        if places.is_empty() {
            return;
        }
        match self.send(statements).await {
            Ok(answers) => {
                let mut answers = answers.into_iter();
                for (count, slot) in places {
                    *slot.borrow_mut() = Some(Ok(answers.by_ref().take(count).collect()));
                }
            }
            Err(error) => {
                let text = error.to_string();
                for (_, slot) in places {
                    *slot.borrow_mut() = Some(Err(worker::Error::RustError(text.clone())));
                }
            }
        }
    }

    async fn send(&self, statements: Vec<D1PreparedStatement>) -> Result<Vec<Answer>> {
        let sent = statements.len();
        let statements: Array = statements.iter().map(|s| JsValue::from(s.inner())).collect();
        let d1: &worker_sys::D1Database = AsRef::<JsValue>::as_ref(&self.d1).unchecked_ref();
        let results = JsFuture::from(d1.batch(statements)?).await?;
        let answers: Vec<Answer> = Array::from(&results).iter().map(|result| Answer(result.unchecked_into())).collect();
        let mut cost = Cost { trips: 1, statements: sent, ..Cost::default() };
        for answer in answers.iter().filter(|_| self.counts_rows) {
            cost.read += count(answer.meta("rows_read"));
            cost.written += count(answer.meta("rows_written"));
        }
        let is_size_due = TOTAL.get().trips.is_multiple_of(SIZE_EVERY_TRIPS);
        self.cost.set(self.cost.get() + cost);
        TOTAL.set(TOTAL.get() + cost);
        self.last_answer.replace(answers.last().cloned());
        if is_size_due {
            watch_size(self.bytes(), self.bytes_max);
        }
        Ok(answers)
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// D1's.
    pub async fn run(&self, sql: &str, params: &[Param<'_>]) -> Result<Answer> {
        let mut answers = self.batch(vec![self.bind(sql, params)?]).await?;
        answers.pop().ok_or_else(|| worker::Error::RustError("D1 answered nothing".into()))
    }

    /// The cost of the statements that this database got so far.
    #[must_use]
    pub const fn cost(&self) -> Cost {
        self.cost.get()
    }

    /// Bytes of the database as of its last answer, 0 before the first.
    #[must_use]
    pub fn bytes(&self) -> i64 {
        self.last_answer.borrow().as_ref().and_then(|answer| answer.meta("size_after")).unwrap_or_default()
    }

    /// Bytes that the database may have.
    #[must_use]
    pub const fn bytes_max(&self) -> i64 {
        self.bytes_max
    }
}

fn count(rows: Option<i64>) -> usize {
    rows.and_then(|rows| usize::try_from(rows).ok()).unwrap_or_default()
}
