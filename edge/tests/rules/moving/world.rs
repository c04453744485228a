//! Two databases, a company that works in one of them, workers that move it, and a database in
//! which it never moves.

use std::collections::VecDeque;

use serde_json::{Value, json};
use trackmate_edge::domain::backup::{DERIVED, TABLES, range};
use trackmate_edge::domain::moving::mover::Mover;
use trackmate_edge::domain::moving::{Bounds, Phase, Place, Row, Step, Task};
use trackmate_edge::store::backup::statement;
use trackmate_edge::store::moving::{Names, Side, Trip, token, trip};
use trackmate_edge::store::sql;
use trackmate_wire::limits::MOVE_LEASE_MS;

use super::requests::{Op, run, write};
use crate::schema::pipe::{COMPANY, Db, NOW, number, text};

/// So small that each table takes many pages, and changes take many round trips.
const BOUNDS: Bounds = Bounds { rows: 3, bytes: 900, keys: 4, drops: 5, changes: 2, purge_after_ms: 0 };
const CELLS: [&str; 2] = ["DB", "CELL_1"];

/// A worker with the lease of the move.
pub(crate) struct Worker {
    id: String,
    lease: i64,
    saved: Phase,
    switched_ms: Option<i64>,
    mover: Mover,
}

pub(crate) struct World {
    pub(crate) dbs: [Db; 2],
    model: Db,
    /// Requests that wait until a database accepts the company.
    waiting: VecDeque<(usize, Op)>,
    requests: usize,
    now: i64,
    route: (usize, usize),
    worker: Option<Worker>,
    others: [Vec<Vec<String>>; 2],
}

impl World {
    /// The company and its keys are in the first database, and others in both.
    pub(crate) fn open() -> Self {
        let (first, second, model) = (Db::open(), Db::open(), Db::open());
        second.connection.execute_batch("delete from hour_counts; delete from companies").unwrap();
        let other =
            "insert into companies (id, name, revenue_events, created_at) values ('TM-OTHER', 'Other', '[]', 0)";
        let keys = format!(
            "insert into keys (hash, company, id, scope, prefix, name, created_at) values ('h1', '{COMPANY}', 'k1', 'admin', '', '', 0), ('h2', '{COMPANY}', 'k2', 'server', '', '', 0)"
        );
        for db in [&first, &second, &model] {
            db.connection.execute(other, []).unwrap();
            write(db, 0, &Op::Other);
        }
        for db in [&first, &model] {
            db.connection.execute(&keys, []).unwrap();
        }
        let mut world = Self {
            dbs: [first, second],
            model,
            waiting: VecDeque::new(),
            requests: 0,
            now: NOW,
            route: (0, 1),
            worker: None,
            others: [Vec::new(), Vec::new()],
        };
        world.others = [0, 1].map(|cell| world.rows_of(&world.dbs[cell], "TM-OTHER"));
        world
    }

    /// All rows of a company, table by table.
    fn rows_of(&self, db: &Db, company: &str) -> Vec<Vec<String>> {
        let rows = TABLES.iter().map(|table| {
            let (mut after, to) = range(Some(company));
            after = json!([after]).to_string();
            let page = statement(sql::BACKUP_PAGE, table);
            db.rows(&page, &[json!(after), json!(to), json!(100_000), json!(100_000_000)])
                .iter()
                .map(|row| format!("{} {}", table.name, text(&row[0])))
                .collect()
        });
        rows.collect()
    }

    /// The databases that accept the company.
    pub(crate) fn accepting(&self) -> Vec<usize> {
        let is_here = "select 1 from companies where id = ?1 and id not in (select company from away)";
        [0, 1].into_iter().filter(|cell| !self.dbs[*cell].rows(is_here, &[json!(COMPANY)]).is_empty()).collect()
    }

    /// The company sends a request. It waits if no database accepts it, as in the outage buffer.
    pub(crate) fn request(&mut self, op: &Op) {
        self.requests += 1;
        if matches!(op, Op::Other) {
            for db in &self.dbs {
                write(db, self.requests, op);
            }
            self.others = [0, 1].map(|cell| self.rows_of(&self.dbs[cell], "TM-OTHER"));
            return;
        }
        self.waiting.push_back((self.requests, op.clone()));
        self.serve();
    }

    fn serve(&mut self) {
        while let ([cell], Some((number, op))) = (&*self.accepting(), self.waiting.front().cloned()) {
            self.waiting.pop_front();
            self.dbs[*cell].request = self.model.request;
            run(&mut self.dbs[*cell], number, &op);
            run(&mut self.model, number, &op);
        }
    }

    /// The operator asks for a move.
    pub(crate) fn begin(&mut self, source: usize, target: usize) {
        self.route = (source, target);
        let id = format!("{:012x}", self.now);
        let insert = [json!(id), json!(COMPANY), json!(CELLS[source]), json!(CELLS[target]), json!(self.now)];
        self.dbs[0].rows(sql::MOVE_INSERT, &insert);
        self.now += 1;
    }

    /// Whether the move has not ended.
    pub(crate) fn is_open(&self) -> bool {
        !self.dbs[0].rows("select 1 from moves where ended_at is null", &[]).is_empty()
    }

    /// Where the worker is.
    pub(crate) fn place(&self) -> Option<(Phase, Step)> {
        self.worker.as_ref().map(|worker| (worker.mover.phase, worker.mover.place.step))
    }

    /// A worker takes the lease.
    fn hire(&mut self) {
        let params = [json!(self.now), json!(self.now + MOVE_LEASE_MS)];
        let Some(row) = self.dbs[0].rows(sql::MOVE_LEASE, &params).pop() else { return };
        let phase: Phase = serde_json::from_value(row[4].clone()).unwrap();
        let place: Place = serde_json::from_str(&text(&row[5])).unwrap();
        let mover = Mover::new(COMPANY, (phase, place, number(&row[6])), BOUNDS);
        let (lease, switched_ms) = (number(&row[11]), row[9].as_i64());
        self.worker = Some(Worker { id: text(&row[0]), lease, saved: phase, switched_ms, mover });
    }

    /// Saves the worker's place. → Whether it has the lease still.
    fn save(&self, worker: &mut Worker) -> bool {
        let place = serde_json::to_string(&worker.mover.place).unwrap();
        let (before, now) = (worker.saved.as_str(), worker.mover.phase.as_str());
        let error = json!(worker.mover.error);
        let values = [json!(worker.id), json!(worker.lease), json!(before), json!(now), json!(place)];
        let params =
            [&values[..], &[json!(worker.mover.rows), json!(self.now), error, json!(self.now + MOVE_LEASE_MS)]]
                .concat();
        let Some(saved) = self.dbs[0].rows(sql::MOVE_SAVE, &params).pop() else { return false };
        worker.saved = worker.mover.phase;
        (worker.lease, worker.switched_ms) = (number(&saved[0]), saved[2].as_i64());
        worker.mover.saved();
        true
    }

    /// A round trip of a worker, or a save. → Whether it goes on.
    fn step(&self, worker: &mut Worker) -> bool {
        if worker.mover.must_save() {
            return self.save(worker) && worker.mover.phase.is_open();
        }
        let token = token(worker.lease, &worker.id);
        let (source, target) = self.route;
        let names = Names {
            company: COMPANY,
            target: CELLS[target],
            to_directory: target == 0,
            token: &token,
            now_ms: self.now,
        };
        let Some(task) = worker.mover.next(worker.switched_ms, self.now) else { return false };
        let Trip { side, parts } = trip(&task, names, &BOUNDS).unwrap();
        let cell = match side {
            Side::Source => source,
            Side::Target => target,
            Side::Directory => 0,
        };
        let connection = &self.dbs[cell].connection;
        connection.execute_batch("begin").unwrap();
        let mut answers = Vec::new();
        for part in parts {
            assert!(part.params.iter().all(|value| value.as_str().is_none_or(|text| text.len() < 2_000_000)));
            if part.sql == sql::MOVE_GUARD {
                let guard = connection.execute(&part.sql, [part.params[0].as_str().unwrap()]);
                if guard.is_err() {
                    connection.execute_batch("rollback").unwrap();
                    return false;
                }
                continue;
            }
            if part.sql.starts_with("create") || part.sql.starts_with("drop") {
                connection.execute_batch(&part.sql).unwrap();
                connection.flush_prepared_statement_cache();
            } else if part.reads {
                answers.push(self.dbs[cell].find::<Row>(&part.sql, &part.params));
            } else {
                self.dbs[cell].rows(&part.sql, &part.params);
            }
        }
        connection.execute_batch("commit").unwrap();
        worker.mover.take(answers);
        true
    }

    /// The worker makes so many round trips, if there is one or the lease is free.
    pub(crate) fn work(&mut self, trips: usize) {
        if self.worker.is_none() {
            self.hire();
        }
        let Some(mut worker) = self.worker.take() else { return };
        let mut goes_on = true;
        for _ in 0..trips {
            goes_on = goes_on && self.step(&mut worker);
        }
        if goes_on || !worker.mover.phase.is_open() {
            self.worker = Some(worker);
        } else {
            self.release(&worker);
        }
        self.serve();
    }

    fn release(&self, worker: &Worker) {
        let release = [json!(worker.id), json!(worker.lease), json!(0), Value::Null];
        self.dbs[0].rows(sql::MOVE_RELEASE, &release);
    }

    /// The worker saves and goes.
    pub(crate) fn relay(&mut self) {
        self.now += 1;
        if let Some(mut worker) = self.worker.take() {
            self.save(&mut worker);
            self.release(&worker);
        }
    }

    /// The worker dies.
    pub(crate) fn crash(&mut self) {
        self.worker = None;
        self.now += MOVE_LEASE_MS;
    }

    /// The worker's lease runs out, and another worker takes over. Then the first one goes on.
    pub(crate) fn stall(&mut self) {
        let Some(mut stalled) = self.worker.take() else { return };
        self.now += MOVE_LEASE_MS;
        self.work(1);
        for _ in 0..3 {
            if !self.step(&mut stalled) {
                break;
            }
        }
    }

    /// Works until the worker has read rows of this table and is about to write them. Then it is
    /// delayed for longer than its lease.
    pub(crate) fn delay_before_write(&mut self, table: &str) -> Worker {
        loop {
            self.work(1);
            let Some(Worker { mover, .. }) = &self.worker else { continue };
            let is_there = TABLES.get(mover.place.table).is_some_and(|at| at.name == table);
            if is_there && matches!(mover.next(None, self.now), Some(Task::Write(_))) {
                self.now += MOVE_LEASE_MS;
                return self.worker.take().unwrap();
            }
        }
    }

    /// A delayed worker goes on. → Whether it did something.
    pub(crate) fn go_on(&self, mut delayed: Worker) -> bool {
        self.step(&mut delayed)
    }

    /// The operator aborts the move.
    pub(crate) fn abort(&mut self) {
        self.dbs[0].rows(sql::MOVE_ABORT, &[json!(COMPANY), json!("the operator aborted it")]);
    }

    /// Works until this step.
    pub(crate) fn work_until(&mut self, phase: Phase, step: Step) {
        while self.place() != Some((phase, step)) {
            self.work(1);
        }
    }

    /// Works until the move has ended. → How.
    pub(crate) fn end(&mut self) -> Phase {
        for _ in 0..100_000 {
            if !self.is_open() {
                self.worker = None;
                let phase = self.dbs[0].rows("select phase from moves order by id desc limit 1", &[]);
                return serde_json::from_value(phase[0][0].clone()).unwrap();
            }
            self.work(1);
            self.now += 1;
        }
        panic!("the move does not end");
    }

    /// Compares the rows of two databases. Rows of erased people have random ids.
    fn compare(&self, moved: &Db, model: &Db) {
        let named = |row: &String| {
            let mut parts = row.split("!erased:");
            let first = parts.next().unwrap_or_default().to_owned();
            parts.fold(first, |row, part| format!("{row}!erased:{}", &part[16..]))
        };
        let rows = |db: &Db| {
            let tables = self.rows_of(db, COMPANY).into_iter();
            tables.map(|rows| {
                let mut rows: Vec<String> = rows.iter().map(named).collect();
                rows.sort();
                rows
            })
        };
        for (table, (moved, model)) in TABLES.iter().zip(rows(moved).zip(rows(model))) {
            assert_eq!(moved, model, "{}", table.name);
        }
    }

    /// The company is complete in this database, and nothing is left of it in the other.
    pub(crate) fn check(&self, home: usize) {
        assert!(self.waiting.is_empty());
        self.compare(&self.dbs[home], &self.model);
        for (cell, other) in self.dbs.iter().zip(&self.others) {
            assert_eq!(&self.rows_of(cell, "TM-OTHER"), other);
            assert_eq!(cell.table("select name from sqlite_schema where name like 'moving%'"), [[""; 0]; 0]);
            assert_eq!(cell.table("select * from changes"), [[""; 0]; 0]);
        }
        for table in TABLES.iter().chain(DERIVED) {
            let left = format!("select 1 from {} where {} = '{COMPANY}'", table.name, table.company());
            assert_eq!(self.dbs[1 - home].table(&left).len(), 0, "{} of the other database", table.name);
        }
    }
}
