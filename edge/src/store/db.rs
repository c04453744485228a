//! A database: how batches reach the cell that has a company, and what they cost.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use futures_util::FutureExt;
use js_sys::Array;
use serde::de::IgnoredAny;
use trackmate_wire::limits::STATEMENTS_MAX;
use wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{D1Database, D1SessionConstraint, Env, console_error, worker_sys};

use super::answer::{Answer, Answers, Batch, Result};
use super::cells::{self, DIRECTORY, Home, Place};
use super::cost::Cost;
use super::param::{Bound, Param, Statement};
use super::sql;
use crate::domain::outage;
use crate::vars::Vars;

/// The database of this company; `None` is the directory, which has what belongs to no company.
///
/// # Errors
/// When the deployment has no such binding.
pub fn database(env: &Env, company: Option<&str>) -> Result<Db> {
    Db::open(env, company.map_or(Home::Directory, |company| Home::Company(company.to_owned())), false)
}

/// The database of the company of this key, which is given by its hash.
///
/// # Errors
/// When the deployment has no such binding.
pub fn database_of_key(env: &Env, hash: &str) -> Result<Db> {
    Db::open(env, Home::Key(hash.to_owned()), false)
}

/// One cell, whoever lives there.
///
/// # Errors
/// When the deployment has no such binding.
pub fn cell(env: &Env, name: &str) -> Result<Db> {
    Db::open(env, Home::Cell(name.into()), false)
}

/// The database of [`database`] for reads that may be of some seconds ago. If the deployment says
/// so, they go through a session of D1, which reads the nearest replica. What the session writes
/// goes to the primary, and its later reads see it.
///
/// # Errors
/// When the deployment has no such binding.
pub fn replica(env: &Env, company: &str) -> Result<Db> {
    Db::open(env, Home::Company(company.to_owned()), Vars::of(env).reads_replicas)
}

/// An isolate looks at the size of the database in one round trip of so many, and in its first.
/// Reading a count of D1's costs as much as a small statement.
const SIZE_EVERY_TRIPS: usize = 16;

thread_local! {
    /// The cost of all statements of this isolate so far.
    static TOTAL: Cell<Cost> = const { Cell::new(Cost { trips: 0, statements: 0, read: 0, written: 0 }) };
    /// The highest step of each cell's size that this isolate has warned about.
    static WARNED: RefCell<BTreeMap<Rc<str>, i64>> = const { RefCell::new(BTreeMap::new()) };
}

/// The cost of all statements of this isolate so far, including those after answers and in jobs.
#[must_use]
pub fn total() -> Cost {
    TOTAL.get()
}

/// Warns the operator that a database fills up, once per isolate and step.
fn watch_size(cell: &Rc<str>, bytes: i64, bytes_max: i64) {
    let step = outage::step(bytes, bytes_max);
    if step > WARNED.with_borrow_mut(|warned| warned.insert(Rc::clone(cell), step)).unwrap_or_default() {
        console_error!(
            "the database {cell} is {step} % full: {bytes} of {bytes_max} bytes \
             (docs/deploy.md, \"When the database fills up\")"
        );
    }
}

/// A database, and the cost of the statements that were sent to it.
#[derive(Debug)]
pub struct Db {
    env: Env,
    home: Home,
    /// The connection to the last cell.
    connection: RefCell<Rc<Connection>>,
    reads_replica: bool,
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
    statements: Vec<Bound>,
    answers: Gathering,
}

/// The place for the answers of a gathered batch.
type Gathering = Rc<RefCell<Option<Result<Vec<Answer>>>>>;

/// The connection to a cell.
#[derive(Debug)]
struct Connection {
    cell: Rc<str>,
    d1: D1Database,
}

impl Connection {
    fn open(env: &Env, cell: &Rc<str>, reads_replica: bool) -> Result<Self> {
        let d1 = env.d1(cell)?;
        if !reads_replica {
            return Ok(Self { cell: Rc::clone(cell), d1 });
        }
        let session = d1.with_session_constraint(D1SessionConstraint::FirstUnconstrained)?;
        // A session has the methods of a database that are used here.
        Ok(Self { cell: Rc::clone(cell), d1: D1Database::unchecked_from_js(JsValue::from(session)) })
    }
}

impl Db {
    fn open(env: &Env, home: Home, reads_replica: bool) -> Result<Self> {
        let vars = Vars::of(env);
        let cell = match cells::known(env, &home) {
            Some(place) => place.cell,
            None => DIRECTORY.into(),
        };
        Ok(Self {
            env: env.clone(),
            home,
            connection: RefCell::new(Rc::new(Connection::open(env, &cell, reads_replica)?)),
            reads_replica,
            bytes_max: vars.d1_bytes_max,
            counts_rows: vars.shows_cost,
            cost: Cell::default(),
            last_answer: RefCell::default(),
            gathered: RefCell::default(),
        })
    }

    /// Whether this is the first cell, which has the directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        match &self.home {
            Home::Directory => true,
            Home::Cell(cell) => **cell == *DIRECTORY,
            Home::Company(_) | Home::Key(_) => false,
        }
    }

    /// Whether this is the database of another company.
    #[must_use]
    pub fn is_of_another(&self, company: &str) -> bool {
        matches!(&self.home, Home::Company(own) if own != company)
    }

    /// Binds statements to their parameters.
    ///
    /// # Errors
    /// Never: D1 checks the parameters when it gets them.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "as `bind`")]
    pub fn bind_all(&self, statements: &[Statement]) -> Result<Vec<Bound>> {
        Ok(statements.iter().map(Bound::from).collect())
    }

    /// Binds a statement to its parameters. It is prepared when it is sent, since only then its
    /// cell is known.
    ///
    /// # Errors
    /// Never: D1 checks the parameters when it gets them.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "a batch is bound where it will be sent")]
    pub fn bind(&self, sql: impl Into<Cow<'static, str>>, params: &[Param<'_>]) -> Result<Bound> {
        Ok(Bound::new(sql.into(), params))
    }

    /// Runs statements as one transaction in one round trip: all or none.
    ///
    /// # Errors
    /// D1's; nothing was written then.
    pub async fn batch(&self, statements: Vec<Bound>) -> Result<Vec<Answer>> {
        if self.gathered.borrow().is_none() {
            // Boxed, because every function that uses the database would contain the whole future.
            return self.send(statements).boxed_local().await;
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

    /// Sends a batch to the cell that has the company. A remembered place may be wrong: then the
    /// cell refuses the batch as a whole, and it goes to the right one.
    async fn send(&self, statements: Vec<Bound>) -> Result<Vec<Answer>> {
        let place = match cells::known(&self.env, &self.home) {
            Some(place) => place,
            None => self.find_place().await?,
        };
        let answers = self.send_to(&place, &statements).await;
        if place.company.is_none() || !answers.as_ref().is_err_and(cells::is_away) {
            return answers;
        }
        cells::forget(&self.home);
        let other = self.find_place().await?;
        if other.cell == place.cell {
            return answers;
        }
        self.send_to(&other, &statements).await
    }

    /// Asks the directory where the company is.
    async fn find_place(&self) -> Result<Place> {
        let Some(statement) = cells::search(&self.home) else { return Ok(cells::found(&self.home, None)) };
        let directory = self.connect(&DIRECTORY.into())?;
        let answers = self.exchange(&directory, &[statement]).await?;
        Ok(cells::found(&self.home, answers.first().map(Answer::first).transpose()?.flatten()))
    }

    async fn send_to(&self, place: &Place, statements: &[Bound]) -> Result<Vec<Answer>> {
        let connection = self.connect(&place.cell)?;
        let Some(company) = &place.company else { return self.exchange(&connection, statements).await };
        let is_cell = i64::from(&*place.cell != DIRECTORY);
        let sql = if self.reads_replica { sql::FENCE_READ } else { sql::FENCE };
        let fence = Bound::new(sql.into(), &[(&**company).into(), is_cell.into()]);
        let mut answers = self.exchange(&connection, &[&[fence], statements].concat()).await?.into_iter();
        let fence = answers.next().ok_or_else(|| worker::Error::RustError("D1 answered nothing".into()))?;
        if self.reads_replica && !fence.rows::<IgnoredAny>()?.is_empty() {
            return Err(worker::Error::RustError(cells::AWAY.into()));
        }
        Ok(answers.collect())
    }

    /// The connection to a cell. It is kept until another cell is needed, since the session of a
    /// replica remembers what it wrote.
    fn connect(&self, cell: &Rc<str>) -> Result<Rc<Connection>> {
        let connection = Rc::clone(&self.connection.borrow());
        if connection.cell == *cell {
            return Ok(connection);
        }
        let connection = Rc::new(Connection::open(&self.env, cell, self.reads_replica)?);
        self.connection.replace(Rc::clone(&connection));
        Ok(connection)
    }

    /// Sends a batch, and counts what it costs.
    async fn exchange(&self, connection: &Connection, statements: &[Bound]) -> Result<Vec<Answer>> {
        let sent = statements.len();
        let prepared = statements.iter().map(|statement| statement.prepare(&connection.d1));
        let prepared = prepared.collect::<Result<Array>>()?;
        let d1: &worker_sys::D1Database = AsRef::<JsValue>::as_ref(&connection.d1).unchecked_ref();
        let results = JsFuture::from(d1.batch(prepared)?).await?;
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
            watch_size(&connection.cell, self.bytes(), self.bytes_max);
        }
        Ok(answers)
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// D1's.
    pub async fn run(&self, sql: impl Into<Cow<'static, str>>, params: &[Param<'_>]) -> Result<Answer> {
        let mut answers = self.batch(vec![Bound::new(sql.into(), params)]).await?;
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
