//! The calls without a final answer. Only what decisions need is here; the host stores the texts.

use crate::limits::{QUEUE_BYTES_MAX, QUEUE_ITEMS_MAX};

/// What kind of request carries a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An event, which shares a request with its neighbours.
    Event,
    /// An identify, which has a request of its own.
    Identify,
}

/// The state of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum State {
    /// It may be neither sent nor persisted before the visitor consents.
    AwaitingConsent,
    /// It waits to be sent.
    Waiting,
    /// The request with this number carries it.
    InFlight(u32),
    /// A page that was left has handed it over, without an answer. It is not sent before this time.
    HandedOver(f64),
}

/// One call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Item {
    /// Identifies the call to the host, and orders it: calls of earlier pages have smaller numbers.
    /// Never 0.
    pub(crate) id: u32,
    pub(crate) kind: Kind,
    pub(crate) bytes: u32,
    /// Bytes of a body that carries it, without the calls.
    pub(crate) overhead: u32,
    /// The number of its session and context, which all calls of a request share.
    pub(crate) envelope: u32,
    /// Whether it is only in this page's memory.
    pub(crate) memory_only: bool,
    pub(crate) state: State,
}

/// An unordered slab of fixed size. The ids give the order, and a scan of this size takes
/// microseconds. It is all zeros when empty, so that it adds no bytes to the download.
#[derive(Debug)]
pub(crate) struct Queue {
    slots: [Item; QUEUE_ITEMS_MAX],
    /// No slot from here on was used since the queue was last empty.
    used: usize,
}

/// A free slot: no call has the id 0.
const FREE: Item = Item {
    id: 0,
    kind: Kind::Event,
    bytes: 0,
    overhead: 0,
    envelope: 0,
    memory_only: false,
    state: State::AwaitingConsent,
};

/// What one request may carry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchLimits {
    pub(crate) events: u32,
    pub(crate) bytes: u32,
    /// Whether `bytes` is a limit for a single call too. Otherwise a larger call is sent alone.
    pub(crate) strict: bool,
    /// Whether only calls that would be lost with this page may be sent.
    pub(crate) memory_only: bool,
}

/// What a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) events: u32,
    pub(crate) bytes: u32,
}

impl Queue {
    pub(crate) const fn new() -> Self {
        Self { slots: [FREE; QUEUE_ITEMS_MAX], used: 0 }
    }

    /// Adds a call; `false` when every slot is taken.
    pub(crate) fn push(&mut self, item: Item) -> bool {
        let Some((place, slot)) = self.slots.iter_mut().enumerate().find(|(_, slot)| slot.id == 0) else {
            return false;
        };
        *slot = item;
        self.used = self.used.max(place + 1);
        true
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        self.slots.get(..self.used).unwrap_or(&[]).iter().filter(|item| item.id > 0)
    }

    pub(crate) fn items_mut(&mut self) -> impl Iterator<Item = &mut Item> {
        self.slots.get_mut(..self.used).unwrap_or(&mut []).iter_mut().filter(|item| item.id > 0)
    }

    /// Removes every call for which `which` is true.
    pub(crate) fn remove(&mut self, mut which: impl FnMut(&Item) -> bool) {
        for item in self.items_mut() {
            if which(item) {
                *item = FREE;
            }
        }
        if self.items().next().is_none() {
            self.used = 0;
        }
    }

    /// The request failed: its calls wait again, in their old order.
    pub(crate) fn requeue(&mut self, request: u32) {
        for item in self.items_mut().filter(|item| item.state == State::InFlight(request)) {
            item.state = State::Waiting;
        }
    }

    /// The call that must be dropped before one of `bytes` can join: the oldest that is not in
    /// flight.
    pub(crate) fn overflow(&self, bytes: u32) -> Option<u32> {
        let full = self.items().count() >= QUEUE_ITEMS_MAX;
        let heavy = self.items().map(|item| item.bytes).sum::<u32>() + bytes > QUEUE_BYTES_MAX;
        if !full && !heavy {
            return None;
        }
        self.items().filter(|item| !matches!(item.state, State::InFlight(_))).map(|item| item.id).min()
    }

    pub(crate) fn waiting(&self) -> u32 {
        self.items().filter(|item| item.state == State::Waiting).map(|_| 1).sum()
    }

    /// Assigns the next calls to `request`, and calls `add` for each: one identify, or a run of
    /// events with the same envelope.
    pub(crate) fn take_batch(&mut self, request: u32, limits: BatchLimits, mut add: impl FnMut(u32)) -> Option<Batch> {
        let mut batch = Batch { events: 0, bytes: 0 };
        let mut first: Option<Item> = None;
        let mut last_id = 0;
        while let Some(item) = self
            .items_mut()
            .filter(|item| {
                item.state == State::Waiting && item.id > last_id && (item.memory_only || !limits.memory_only)
            })
            .min_by_key(|item| item.id)
        {
            let head = *first.get_or_insert(*item);
            if batch.events == 0 {
                batch.bytes = item.overhead;
            }
            let fits = batch.bytes + item.bytes <= limits.bytes;
            let joins = item.kind == Kind::Event
                && head.kind == Kind::Event
                && head.envelope == item.envelope
                && batch.events < limits.events;
            if batch.events > 0 && !(fits && joins) || limits.strict && !fits {
                break;
            }
            item.state = State::InFlight(request);
            batch.events += 1;
            batch.bytes += item.bytes;
            last_id = item.id;
            add(item.id);
        }
        (batch.events > 0).then_some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{BATCH_EVENTS, REQUEST_BYTES_MAX};
    use proptest::prelude::*;

    const LIMITS: BatchLimits =
        BatchLimits { events: BATCH_EVENTS, bytes: REQUEST_BYTES_MAX, strict: false, memory_only: false };

    fn item(id: u32, kind: Kind, bytes: u32, envelope: u32) -> Item {
        Item { id, kind, bytes, overhead: 0, envelope, memory_only: false, state: State::Waiting }
    }

    #[test]
    fn an_identify_is_sent_alone_and_in_order() {
        let mut queue = Queue::new();
        for (id, kind) in [(1, Kind::Event), (2, Kind::Event), (3, Kind::Identify), (4, Kind::Event)] {
            queue.push(item(id, kind, 10, 0));
        }
        let counts: Vec<_> =
            (1..=4).map(|request| queue.take_batch(request, LIMITS, |_| ()).map(|batch| batch.events)).collect();
        assert_eq!(counts, [Some(2), Some(1), Some(1), None]);
    }

    #[test]
    fn a_call_larger_than_the_limit_is_sent_alone() {
        let mut queue = Queue::new();
        for id in [1, 2] {
            queue.push(item(id, Kind::Event, 30_000, 0));
        }
        let limits = BatchLimits { bytes: 15_000, ..LIMITS };
        assert_eq!(queue.take_batch(1, limits, |_| ()), Some(Batch { events: 1, bytes: 30_000 }));
    }

    proptest! {
        /// Every queued call is sent once, in order, within all limits, with one kind and envelope
        /// in a request.
        #[test]
        fn batches_contain_every_queued_call_exactly_once(
            calls in prop::collection::vec((any::<bool>(), 0u32..2, 1u32..32_768), 0..80),
            events in 1u32..30,
            bytes in 10_000u32..60_000,
        ) {
            let mut queue = Queue::new();
            for (place, (event, envelope, bytes)) in calls.iter().enumerate() {
                let kind = if *event { Kind::Event } else { Kind::Identify };
                prop_assert!(queue.push(item(place as u32 + 1, kind, *bytes, *envelope)));
            }
            let mut sent = Vec::new();
            for request in 1.. {
                let mut ids = Vec::new();
                let limits = BatchLimits { events, bytes, ..LIMITS };
                let Some(batch) = queue.take_batch(request, limits, |id| ids.push(id)) else { break };
                prop_assert_eq!(ids.len(), batch.events as usize);
                prop_assert!(batch.events <= events && (batch.events == 1 || batch.bytes <= bytes));
                let kinds: Vec<_> = ids.iter().map(|id| calls[*id as usize - 1]).collect();
                prop_assert!(kinds.iter().all(|call| (call.0, call.1) == (kinds[0].0, kinds[0].1)));
                prop_assert!(kinds.len() == 1 || kinds[0].0);
                sent.extend(ids);
            }
            prop_assert_eq!(sent, (1..=calls.len() as u32).collect::<Vec<_>>());
        }
    }
}
