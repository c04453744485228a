//! Moves companies between cells (`domain/moving.rs`), a step at a time. A step is started by a
//! message on the delivery queue, `{"v":1,"m":company}`, and sends the next one. If a message is
//! lost, or a worker dies, the sweep sends another once the lease has run out.

use trackmate_wire::limits::{MOVE_FREEZE_MS_MAX, MOVE_RETRY_S, MOVE_STEP_MS, MOVE_TRIPS_MAX};
use worker::{Env, console_error, console_log};

use crate::domain::moving::Phase;
use crate::domain::moving::mover::Mover;
use crate::domain::outage::{Failure, failure};
use crate::runtime::clock::now_ms;
use crate::runtime::move_queue::wake;
use crate::store::cells::DIRECTORY;
use crate::store::moves::{self, Move};
use crate::store::moving::{self, Names, Side, token, trip};
use crate::store::{self, Db};
use crate::vars::Vars;

/// Starts the next step of a move that nobody works on. For the sweep.
///
/// # Errors
/// D1's.
pub async fn resume(env: &Env) -> store::Result<()> {
    let now = now_ms();
    if let Some(moved) = moves::open(&store::database(env, None)?).await?
        && moved.lease_until <= now
        && !is_waiting(&moved, Vars::of(env).move_purge_after_ms, now)
    {
        wake(env, &moved.company, 0).await;
    }
    Ok(())
}

/// Whether only the time is missing until the rows of the source are deleted.
fn is_waiting(moved: &Move, purge_after_ms: i64, now_ms: i64) -> bool {
    moved.place.contains(r#""step":"wait""#) && moved.switched_at.is_some_and(|at| now_ms < at + purge_after_ms)
}

/// Runs the step of a message.
pub async fn run(env: Env) {
    let directory = match store::database(&env, None) {
        Ok(directory) => directory,
        Err(error) => return console_error!("a move: {}", store::brief(&error)),
    };
    match moves::lease(&directory, now_ms()).await {
        Ok(Some(moved)) => Run::new(&env, directory, moved).finish().await,
        Ok(None) => {}
        Err(error) => console_error!("a move was not continued: {}", store::brief(&error)),
    }
}

/// What follows a step.
enum Next {
    /// Another step.
    Step,
    /// Nothing: the move has ended, or waits.
    Rest,
    /// Nothing: another worker has the move.
    Lost,
}

/// A step of a move.
struct Run<'a> {
    env: &'a Env,
    directory: Db,
    moved: Move,
    mover: Mover,
    trips: usize,
    ends_ms: i64,
}

impl<'a> Run<'a> {
    fn new(env: &'a Env, directory: Db, moved: Move) -> Self {
        let bounds = moving::bounds(Vars::of(env).move_purge_after_ms);
        let place = serde_json::from_str(&moved.place).unwrap_or_default();
        let mover = Mover::new(&moved.company, (moved.phase, place, moved.rows), bounds);
        Self { env, directory, moved, mover, trips: MOVE_TRIPS_MAX, ends_ms: now_ms() + MOVE_STEP_MS }
    }

    /// Works, and says what follows.
    async fn finish(mut self) {
        let mut worked = self.work().await;
        if let Err(error) = &worked
            && !moves::is_outdated(error)
            && failure(&error.to_string()) != Failure::Passing
            && self.moved.phase.may_abort()
        {
            self.mover.abort(&store::brief(error));
            worked = self.save().await.map(|saved| if saved { Next::Step } else { Next::Lost });
        }
        let (until, error, delay_s) = match &worked {
            Ok(Next::Step) => (0, None, Some(0)),
            Ok(Next::Rest) => (0, None, None),
            Ok(Next::Lost) => return,
            Err(error) if moves::is_outdated(error) => return,
            Err(error) => {
                (now_ms() + i64::from(MOVE_RETRY_S) * 1000, Some(store::brief(error)), Some(MOVE_RETRY_S + 1))
            }
        };
        if let Some(error) = &error {
            console_error!("the move of {} failed and is tried again: {error}", self.moved.company);
        }
        if let Err(error) = moves::release(&self.directory, &self.moved, until, error.as_deref()).await {
            console_error!("the lease of a move was not given back: {}", store::brief(&error));
        }
        if let Some(delay_s) = delay_s {
            wake(self.env, &self.moved.company, delay_s).await;
        }
    }

    /// Saves the place. `false` if another worker has the move, or the operator has aborted it.
    async fn save(&mut self) -> store::Result<bool> {
        let before = self.moved.phase;
        let is_saved = moves::save(&self.directory, &mut self.moved, &mut self.mover, now_ms()).await?;
        let phase = self.moved.phase;
        if is_saved && before != phase {
            let Move { company, source, target, rows: _, .. } = &self.moved;
            let error = self.mover.error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
            let (phase, rows) = (phase.as_str(), self.mover.rows);
            console_log!("the move of {company} from {source} to {target} is {phase}, {rows} rows{error}");
        }
        Ok(is_saved)
    }

    /// Works for a while.
    async fn work(&mut self) -> store::Result<Next> {
        loop {
            if self.mover.must_save() {
                if !self.save().await? {
                    return self.aborted().await;
                }
                if self.moved.phase == Phase::Frozen {
                    // A company that is stopped does not wait for the next step.
                    (self.trips, self.ends_ms) = (MOVE_TRIPS_MAX, now_ms() + MOVE_STEP_MS);
                }
            }
            let now = now_ms();
            let is_long = |at: i64| now - at > MOVE_FREEZE_MS_MAX;
            if self.moved.phase == Phase::Frozen && self.moved.frozen_at.is_some_and(is_long) {
                self.mover.abort("the company was stopped for too long");
                continue;
            }
            let is_over = self.trips == 0 || now >= self.ends_ms;
            if is_over || !self.advance(now).await? {
                if !self.save().await? {
                    return self.aborted().await;
                }
                return Ok(if is_over { Next::Step } else { Next::Rest });
            }
        }
    }

    /// Another worker has the move, or the operator has aborted it. Then the lease is still this
    /// worker's, and another step goes on.
    async fn aborted(&self) -> store::Result<Next> {
        let open = moves::open(&self.directory).await?;
        let is_own = open.is_some_and(|open| open.lease_until == self.moved.lease_until && open.id == self.moved.id);
        Ok(if is_own { Next::Step } else { Next::Lost })
    }

    /// Makes the next round trip. `false` if there is nothing to do now.
    async fn advance(&mut self, now_ms: i64) -> store::Result<bool> {
        let Move { id, company, source, target, lease_until, switched_at, .. } = &self.moved;
        let Some(task) = self.mover.next(*switched_at, now_ms) else { return Ok(false) };
        let token = token(*lease_until, id);
        let names = Names { company, target, to_directory: target == DIRECTORY, token: &token, now_ms };
        let trip = trip(&task, names, self.mover.bounds())?;
        let answers = match trip.side {
            Side::Source => moves::run(&store::cell(self.env, source)?, trip).await?,
            Side::Target => moves::run(&store::cell(self.env, target)?, trip).await?,
            Side::Directory => moves::run(&self.directory, trip).await?,
        };
        self.trips -= 1;
        self.mover.take(answers);
        Ok(true)
    }
}
