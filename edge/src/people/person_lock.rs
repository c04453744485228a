//! A lock on a person within this isolate. Without it, of many edits or merges at the same time
//! only one would succeed and all others would read again. With it they wait for each other in the
//! order of arrival. Conflicts with other isolates remain: see [`super::conflict`].

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use trackmate_wire::limits::{PERSON_LOCK_MS_MAX, PERSON_LOCK_POLL_MS, PERSON_LOCK_WAIT_MS_MAX};
use worker::Delay;

use crate::error::Error;
use crate::people::conflict::busy;
use crate::runtime::clock::now_ms;

/// The requests that want to change a person. The first holds the lock, since `since_ms`.
#[derive(Default)]
struct Queue {
    tickets: VecDeque<u64>,
    since_ms: i64,
}

#[derive(Default)]
struct Queues {
    by_person: BTreeMap<(String, String), Queue>,
    tickets: u64,
}

thread_local! {
    static QUEUES: RefCell<Queues> = RefCell::default();
}

/// The lock, or a place in its queue. Dropping it releases the lock or leaves the queue.
pub(crate) struct PersonLock {
    person: (String, String),
    ticket: u64,
}

impl PersonLock {
    /// Waits for the lock on a person.
    ///
    /// # Errors
    /// `busy` after `PERSON_LOCK_WAIT_MS_MAX`.
    pub(crate) async fn acquire(company: &str, profile: &str) -> Result<Self, Error> {
        let lock = Self::enqueue(company, profile);
        let began = now_ms();
        while !lock.is_held() {
            if now_ms() - began > PERSON_LOCK_WAIT_MS_MAX {
                return Err(busy());
            }
            Delay::from(Duration::from_millis(PERSON_LOCK_POLL_MS)).await;
        }
        Ok(lock)
    }

    fn enqueue(company: &str, profile: &str) -> Self {
        QUEUES.with_borrow_mut(|queues| {
            queues.tickets += 1;
            let (person, ticket) = ((company.to_owned(), profile.to_owned()), queues.tickets);
            let queue = queues.by_person.entry(person.clone()).or_default();
            if queue.tickets.is_empty() {
                queue.since_ms = now_ms();
            }
            queue.tickets.push_back(ticket);
            Self { person, ticket }
        })
    }

    /// Whether this request holds the lock. Also ends the lock of a request that was aborted.
    fn is_held(&self) -> bool {
        QUEUES.with_borrow_mut(|queues| {
            let Some(queue) = queues.by_person.get_mut(&self.person) else { return true };
            if queue.tickets.front() != Some(&self.ticket) && now_ms() - queue.since_ms > PERSON_LOCK_MS_MAX {
                queue.tickets.pop_front();
                queue.since_ms = now_ms();
            }
            queue.tickets.front().is_none_or(|first| *first == self.ticket)
        })
    }
}

impl Drop for PersonLock {
    fn drop(&mut self) {
        QUEUES.with_borrow_mut(|queues| {
            let Some(queue) = queues.by_person.get_mut(&self.person) else { return };
            if queue.tickets.front() == Some(&self.ticket) {
                queue.since_ms = now_ms();
            }
            queue.tickets.retain(|ticket| *ticket != self.ticket);
            if queue.tickets.is_empty() {
                queues.by_person.remove(&self.person);
            }
        });
    }
}
