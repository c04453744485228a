//! Counts past hours before a request asks for them. The sweep gives each company a round every few
//! hours: it finds the hours without stored counts, and walks their events in slices, the latest
//! hours first. `hour_counts` stores where the round continues.

use serde::Deserialize;
use serde_json::json;
use trackmate_wire::limits::{
    STATS_AHEAD_CLAIM_MS, STATS_AHEAD_DAYS, STATS_AHEAD_EVERY_MS, STATS_AHEAD_HOURS_MAX, STATS_AHEAD_NAMES_MAX,
    STATS_AHEAD_NEW_MS, STATS_AHEAD_PAUSE_MS, STATS_AHEAD_ROWS_MAX, STATS_AHEAD_RUN_MS_MAX,
};
use worker::Date;

use super::events::{announcing, storing};
use crate::domain::stats::{Counted, CountedHours, Event, first_open_hour, hour_of};
use crate::store::slices::Turns;
use crate::store::{Batch, Db, Result, Statement, sql};

/// What a statement of a round answers: hours or events as JSON, and the place of the next slice.
#[derive(Debug, Default, Deserialize)]
pub struct Found {
    found: String,
    next: Option<String>,
}

/// The place before the first event. A place is a session, a ts, a source and a message id.
const FIRST: &str = "\u{1}0\u{1}2\u{1}";
/// The place after the last event: no session is greater.
const LAST: &str = "\u{10ffff}\u{1}9007199254740991\u{1}1\u{1}";

/// The walk over the events of some hours.
#[derive(Debug)]
struct Walk {
    /// The first hour.
    first: i64,
    /// A character for each hour from the first to the last: 1 if its events are to be read.
    open: String,
    /// The last event of the last slice, as the statement writes it.
    place: String,
    counted: CountedHours,
    /// Marks the hours that this walk will store.
    number: i64,
    /// Where the round continues after this walk: it looks for hours before this one.
    then: i64,
}

impl Walk {
    fn new(hours: &[i64], number: i64) -> Self {
        let first = hours.iter().min().copied().unwrap_or_default();
        let end = hours.iter().max().map_or(first, |last| last + 1);
        let open = "0".repeat(usize::try_from(end - first).unwrap_or_default());
        let counted = CountedHours::empty(hours, STATS_AHEAD_NAMES_MAX);
        let mut walk = Self { first, open, place: FIRST.to_owned(), counted, number, then: first };
        for hour in hours {
            walk.set(*hour, "1");
        }
        walk
    }

    fn set(&mut self, hour: i64, value: &str) {
        let place = usize::try_from(hour - self.first).ok();
        if let Some(place) = place.filter(|place| *place < self.open.len()) {
            self.open.replace_range(place..=place, value);
        }
    }

    /// The statement of the next slice.
    fn slice(&self, company: &str, rows: i64) -> Statement {
        let mut params = vec![json!(company), json!(self.first), json!(self.open)];
        // No value of a place contains the separator. The second and the third are numbers.
        let values = self.place.split('\u{1}').enumerate();
        params.extend(values.map(|(n, value)| match value.parse::<i64>() {
            Ok(number) if n == 1 || n == 2 => json!(number),
            Ok(_) | Err(_) => json!(value),
        }));
        params.push(json!(rows));
        Statement { sql: sql::EVENT_HOURS_WALK, params }
    }

    /// Counts the events of a slice.
    fn count(&mut self, events: &str) -> Result<()> {
        for event in serde_json::from_str::<Vec<Event>>(events)? {
            // A later walk counts the hour.
            if let Some(dropped) = self.counted.count(&event) {
                self.set(dropped, "0");
                self.then = self.then.max(dropped + 1);
            }
        }
        Ok(())
    }
}

/// A round between two turns: the hour before which it looks for others, and the walk that has not
/// ended: its number, its first hour, its open hours, its place and its counts.
type Saved = (i64, i64, i64, String, String, Vec<(i64, Counted)>);

/// What the next round trip does.
#[derive(Debug)]
enum Step {
    /// Finds the hours before this one that are not stored. The first search of a round is followed
    /// by a try.
    Find { before: i64, tries: bool },
    /// Walks a slice of these hours. If it ends there, a request counts them in a slice too, and
    /// they need not be stored.
    Try(Vec<i64>),
    /// Announces the hours of a walk, and walks the first slice.
    Begin(Vec<i64>),
    /// Walks a slice.
    Walk(Walk),
    /// Stores what was counted.
    Store(Walk),
    /// The round has ended.
    End,
}

/// The round of a company.
#[derive(Debug)]
pub struct Round {
    company: String,
    /// The first hour that is counted.
    since: i64,
    step: Step,
    /// The number of a walk that begins in this turn. Another turn, even at the same time, has
    /// another.
    number: i64,
}

impl Round {
    /// A round that begins, or the one that was saved.
    #[must_use]
    pub fn new(company: &str, since: i64, saved: Option<&str>, now_ms: i64, number: i64) -> Self {
        let end = first_open_hour(now_ms);
        let step = match saved.and_then(|saved| serde_json::from_str::<Saved>(saved).ok()) {
            None => Step::Find { before: end, tries: true },
            Some((before, _, _, _, place, _)) if place.is_empty() => Step::Find { before, tries: false },
            Some((then, number, first, open, place, hours)) => {
                let counted = CountedHours::new(hours, STATS_AHEAD_NAMES_MAX);
                Step::Walk(Walk { first, open, place, counted, number, then })
            }
        };
        Self { company: company.to_owned(), since: since.max(end - STATS_AHEAD_DAYS * 24), step, number }
    }

    /// Whether the round has not ended.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !matches!(self.step, Step::End)
    }

    /// Where the round continues; `None` if it has ended.
    ///
    /// # Errors
    /// Never: counts are always JSON.
    pub fn saved(&self) -> Result<Option<String>> {
        let before = |hour: i64| serde_json::to_string(&(hour, 0, 0, "", "", [(); 0]));
        let walk = |walk: &Walk, place: &str| {
            let hours: Vec<_> = walk.counted.hours().iter().collect();
            serde_json::to_string(&(walk.then, walk.number, walk.first, &walk.open, place, hours))
        };
        Ok(Some(match &self.step {
            Step::Find { before: hour, .. } => before(*hour)?,
            Step::Try(hours) | Step::Begin(hours) => before(hours.first().map_or(0, |latest| latest + 1))?,
            Step::Walk(rest) => walk(rest, &rest.place)?,
            Step::Store(rest) => walk(rest, LAST)?,
            Step::End => return Ok(None),
        }))
    }

    /// The statements of the next round trip. The last one answers [`Found`], unless the trip
    /// stores.
    ///
    /// # Errors
    /// Never: counts are always JSON.
    pub fn trip(&mut self, rows: i64) -> Result<Vec<Statement>> {
        let company = &self.company;
        Ok(match &self.step {
            Step::Find { before, .. } => {
                let limit = STATS_AHEAD_DAYS * 24;
                vec![Statement::new(sql::EVENT_HOURS_MISSING, json!([company, self.since, before, limit]))]
            }
            Step::Try(hours) => vec![Walk::new(hours, 0).slice(company, rows)],
            Step::Begin(hours) => {
                let chosen = hours.get(..STATS_AHEAD_HOURS_MAX).unwrap_or(hours);
                let walk = Walk::new(chosen, self.number);
                let statements = vec![announcing(company, chosen, walk.number), walk.slice(company, rows)];
                self.step = Step::Walk(walk);
                statements
            }
            Step::Walk(walk) => vec![walk.slice(company, rows)],
            Step::Store(walk) => storing(company, &walk.counted, walk.number)?,
            Step::End => Vec::new(),
        })
    }

    /// Takes what the round trip found.
    ///
    /// # Errors
    /// When a statement answered something else.
    pub fn take(&mut self, found: Option<Found>) -> Result<()> {
        let Found { found, next } = found.unwrap_or_default();
        self.step = match std::mem::replace(&mut self.step, Step::End) {
            Step::Find { tries, .. } => {
                let hours: Vec<i64> = serde_json::from_str(&found)?;
                match (hours.is_empty(), tries) {
                    (true, _) => Step::End,
                    (false, true) => Step::Try(hours),
                    (false, false) => Step::Begin(hours),
                }
            }
            Step::Try(hours) if next.is_some() => Step::Begin(hours),
            Step::Walk(mut walk) => {
                walk.count(&found)?;
                match next {
                    Some(place) => Step::Walk(Walk { place, ..walk }),
                    None => Step::Store(walk),
                }
            }
            Step::Store(walk) => Step::Find { before: walk.then, tries: false },
            Step::Try(_) | Step::Begin(_) | Step::End => Step::End,
        };
        Ok(())
    }
}

/// Has the sweep count the past hours from this time on, soon, because a request could not.
///
/// # Errors
/// D1's.
pub async fn ask(db: &Db, company: &str, from_ms: i64, now_ms: i64) -> Result<()> {
    let ask = Statement::new(sql::HOUR_COUNTS_ASK, json!([company, hour_of(from_ms), now_ms]));
    db.batch(db.bind_all(&[ask])?).await?;
    Ok(())
}

/// The round trips of the shortest turn: to claim it, to find hours, to try, to begin a walk, and
/// to save it. A shorter one would come to nothing.
const TURN_TRIPS_MIN: usize = 5;

/// The company that is next.
#[derive(Deserialize)]
struct Due {
    company: String,
    since: i64,
    round: Option<String>,
    has_new: i64,
}

/// Gives the companies that are due their turns, with at most this number of round trips. A turn
/// has a quarter of them. The companies take turns, so a large one delays others by one turn.
/// `number` makes random numbers. Takes no company: the sweep serves all companies.
///
/// # Errors
/// D1's. What was counted since the last save is counted again, after a while.
pub async fn run(db: &Db, trips: usize, number: impl Fn() -> i64) -> Result<()> {
    let now_ms = || i64::try_from(Date::now().as_millis()).unwrap_or_default();
    let ends_ms = now_ms() + STATS_AHEAD_RUN_MS_MAX;
    let mut left = trips;
    let mut save = None;
    while left >= TURN_TRIPS_MIN && now_ms() < ends_ms {
        let mut batch = Batch::default();
        batch.write_all(db.bind_all(&save.take().into_iter().collect::<Vec<_>>())?);
        let claim = json!([now_ms(), now_ms() + STATS_AHEAD_CLAIM_MS, STATS_AHEAD_NEW_MS]);
        let claim = batch.read_first::<Due>(db.bind_all(&[Statement::new(sql::HOUR_COUNTS_CLAIM, claim)])?);
        left -= 1;
        let Some(due) = db.run_batch(batch).await?.first(&claim)? else { return Ok(()) };
        let begins_ms = due.round.is_none().then(now_ms);
        let mut round = Round::new(&due.company, due.since, due.round.as_deref(), now_ms(), number());
        let mut turn = if due.has_new == 1 { (trips / 4).max(8).min(left - 1) } else { 0 };
        let mut turns = Turns::new(&due.company, STATS_AHEAD_PAUSE_MS);
        while round.is_open() && turn > 0 && now_ms() < ends_ms {
            turn -= 1;
            left -= 1;
            step(db, &mut round, &mut turns).await?;
        }
        let ends = due.has_new != 1 || !round.is_open();
        let due_ms = now_ms() + if ends { STATS_AHEAD_EVERY_MS } else { 0 };
        let round = if ends { None } else { round.saved()? };
        save = Some(Statement::new(sql::HOUR_COUNTS_SAVE, json!([due.company, round, due_ms, begins_ms])));
    }
    if let Some(save) = save {
        db.batch(db.bind_all(&[save])?).await?;
    }
    Ok(())
}

/// One round trip of a round.
async fn step(db: &Db, round: &mut Round, turns: &mut Turns) -> Result<()> {
    let mut statements = round.trip(STATS_AHEAD_ROWS_MAX)?;
    let mut batch = Batch::default();
    let last = statements.pop();
    batch.write_all(db.bind_all(&statements)?);
    let found = match last {
        Some(last) => {
            let slot = batch.read_first::<Found>(db.bind_all(&[last])?);
            turns.take(db.run_batch(batch)).await?.first(&slot)?
        }
        None => None,
    };
    round.take(found)
}
