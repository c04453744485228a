//! Whose turn it is to change a person. An edit and a merge read the person, decide, and write only
//! if nobody else has written in between. So of many at once one wins and all others read again.
//! Here those of one isolate wait for each other instead, in the order in which they came; and who
//! still loses, to another isolate, pauses at random before the next try.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use trackmate_wire::limits::{RACE_PAUSE_MS, RACES_MAX, TURN_MS_MAX, TURN_POLL_MS, TURN_WAIT_MS_MAX};
use trackmate_wire::problem::{Code, Problem};
use worker::Delay;

use crate::error::Error;
use crate::runtime::clock::now_ms;
use crate::runtime::context::Context;
use crate::runtime::random;

/// Those who wait for a person, and since when the first of them has the turn, ms.
#[derive(Default)]
struct Line {
    tickets: VecDeque<u64>,
    since_ms: i64,
}

#[derive(Default)]
struct Lines {
    by_person: BTreeMap<(String, String), Line>,
    tickets: u64,
}

thread_local! {
    static LINES: RefCell<Lines> = RefCell::default();
}

/// A place in the line for a person, which dropping gives up.
pub(crate) struct Turn {
    person: (String, String),
    ticket: u64,
}

impl Turn {
    /// Waits for the turn to change a person.
    pub(crate) async fn of(company: &str, profile: &str) -> Result<Self, Error> {
        let turn = Self::line_up(company, profile);
        let began = now_ms();
        while !turn.is_mine() {
            if now_ms() - began > TURN_WAIT_MS_MAX {
                return Err(busy());
            }
            Delay::from(Duration::from_millis(TURN_POLL_MS)).await;
        }
        Ok(turn)
    }

    fn line_up(company: &str, profile: &str) -> Self {
        LINES.with_borrow_mut(|lines| {
            lines.tickets += 1;
            let (person, ticket) = ((company.to_owned(), profile.to_owned()), lines.tickets);
            let line = lines.by_person.entry(person.clone()).or_default();
            if line.tickets.is_empty() {
                line.since_ms = now_ms();
            }
            line.tickets.push_back(ticket);
            Self { person, ticket }
        })
    }

    /// Whether it is; the turn of a request that was broken off ends here.
    fn is_mine(&self) -> bool {
        LINES.with_borrow_mut(|lines| {
            let Some(line) = lines.by_person.get_mut(&self.person) else { return true };
            if line.tickets.front() != Some(&self.ticket) && now_ms() - line.since_ms > TURN_MS_MAX {
                line.tickets.pop_front();
                line.since_ms = now_ms();
            }
            line.tickets.front().is_none_or(|first| *first == self.ticket)
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        LINES.with_borrow_mut(|lines| {
            let Some(line) = lines.by_person.get_mut(&self.person) else { return };
            if line.tickets.front() == Some(&self.ticket) {
                line.since_ms = now_ms();
            }
            line.tickets.retain(|ticket| *ticket != self.ticket);
            if line.tickets.is_empty() {
                lines.by_person.remove(&self.person);
            }
        });
    }
}

/// The tries of something that others may come before, and the pause before each but the first two.
#[derive(Default)]
pub(crate) struct Tries(u32);

impl Tries {
    /// Whether there is another try, once its pause is over.
    ///
    /// # Errors
    /// `busy` if there is none.
    pub(crate) async fn next(&mut self, cx: &Context) -> Result<(), Error> {
        let tried = self.0;
        self.0 += 1;
        if tried >= RACES_MAX || !cx.has_trips() {
            return Err(busy());
        }
        if tried > 1 {
            let most = f64::from(RACE_PAUSE_MS) * f64::from(1_u32 << (tried - 2).min(6));
            Delay::from(Duration::from_secs_f64(most * random::unit() / 1000.0)).await;
        }
        Ok(())
    }
}

/// Too many change the same person at once.
pub(crate) fn busy() -> Error {
    Problem::new(Code::Busy, "the user is being changed by many at once; try again after Retry-After").into()
}
