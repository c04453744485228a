//! The SDK's decisions. The caller passes every call, answer, timer and page hide with its time,
//! and the core acts through [`Page`]. Nothing here waits, reads a clock, makes a random number or
//! stores a text.
//!
//! The life of a call: it joins the queue and is persisted. When the batch is full, old enough or
//! flushed, it is sent with its neighbours, one request at a time. When the answer is final, it is
//! removed. When the page is left, all calls in the queue are handed over in parallel, and marked,
//! so that the next page does not send them again at once.

use crate::limits::{
    ANSWER_MS_MAX, BATCH_EVENTS, BATCH_EVENTS_MAX, BATCH_INTERVAL_MS, EVENT_BYTES_MAX, EVENT_NAME_CHARS_MAX, FLUSH_MS,
    HAND_OVER_BYTES_MAX, HANDED_OVER_MS, IN_FLIGHT_MAX, KEEPALIVE_BYTES_MAX, QUEUE_ITEMS_MAX, REQUEST_BYTES_MAX,
};
use crate::queue::{BatchLimits, Item, Kind, Queue, State};
use crate::retry::{Verdict, backoff_ms, clamp_retry_after, verdict};

/// What the core needs from its page. Times are milliseconds of a monotonic clock.
pub(crate) trait Page {
    /// Persist this call for later pages, together with others. On failure call
    /// [`Core::persist_failed`].
    fn persist(&mut self, id: u32);
    /// The next `send` carries this call.
    fn add_to_batch(&mut self, id: u32);
    /// Send the batch. → Whether the browser accepted the request.
    fn send(&mut self, request: u32, mode: SendMode) -> bool;
    /// Mark this call for later pages: it is handed over and has no answer yet.
    fn mark_handed_over(&mut self, id: u32);
    /// This call has its outcome: remove it, and report it.
    fn finish(&mut self, id: u32, outcome: Outcome);
    /// The server asks for a pause of this length, which later pages must respect too.
    fn pause(&mut self, wait_ms: f64);
    /// 32 random bits.
    fn random(&mut self) -> u32;
}

/// How a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendMode {
    /// It outlives its page, and the page waits for its answer.
    Keepalive = 0,
    /// The page is left: nobody reads the answer.
    HandOver = 1,
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Delivered = 0,
    /// The server will never accept it.
    Refused = 1,
    /// The queue was full, and newer calls took its place.
    Overflow = 2,
    /// The visitor does not consent.
    Withheld = 3,
}

/// Whether a new call joins the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrackResult {
    /// Queued, and persisted next.
    Queued = 0,
    /// It waits in memory until the visitor consents.
    AwaitingConsent = 1,
    /// Dropped: the visitor does not consent.
    Withheld = 2,
    /// Dropped: larger than the server allows.
    TooLarge = 3,
    /// Dropped: it has no name, or one that is too long for the server.
    BadName = 4,
}

/// The visitor's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    Granted = 0,
    Denied = 1,
    Pending = 2,
}

/// How far the delivery of the calls up to some number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Done = 0,
    Going = 1,
    /// An attempt failed, or none may be made now.
    Stuck = 2,
    /// So many attempts failed that nobody should wait, or there is no network.
    GivenUp = 3,
}

/// A new call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) id: u32,
    pub(crate) kind: Kind,
    pub(crate) name_chars: u32,
    pub(crate) bytes: u32,
    pub(crate) overhead: u32,
    pub(crate) envelope: u32,
}

/// A request without an answer yet.
#[derive(Clone, Copy, Debug)]
struct OpenRequest {
    request: u32,
    until_ms: f64,
    /// Its share of the bytes that may outlive the page.
    bytes: u32,
}

/// The whole state of the SDK on one page.
#[derive(Debug)]
pub(crate) struct Core {
    consent: Consent,
    batch_events: u32,
    flush_ms: f64,
    online: bool,
    queue: Queue,
    /// When the waiting calls are due.
    due_ms: f64,
    /// When the last request was sent.
    last_sent_ms: f64,
    in_flight: [Option<OpenRequest>; IN_FLIGHT_MAX],
    requests: u32,
    failures: u32,
    /// No request is sent before this time: the backoff after a failure …
    backoff_until_ms: f64,
    /// … and the pause that the server asked for, which nothing ends early.
    server_pause_until_ms: f64,
}

/// After this many failures in a row nobody should wait for an answer (about 15 s).
const FAILURES_AWAITED_MAX: u32 = 5;
const NEVER: f64 = f64::INFINITY;

impl Core {
    pub(crate) const fn new() -> Self {
        Self {
            consent: Consent::Granted,
            batch_events: BATCH_EVENTS,
            flush_ms: FLUSH_MS,
            online: true,
            queue: Queue::new(),
            due_ms: NEVER,
            last_sent_ms: -BATCH_INTERVAL_MS,
            in_flight: [None; IN_FLIGHT_MAX],
            requests: 0,
            failures: 0,
            backoff_until_ms: 0.0,
            server_pause_until_ms: 0.0,
        }
    }

    /// Sets `init`'s options, of which 0 is the default. `server_pause_ms` is what is left of the
    /// pause that the server asked an earlier page for.
    pub(crate) fn open(
        &mut self,
        now_ms: f64,
        batch_events: u32,
        flush_ms: f64,
        server_pause_ms: f64,
        consent: Consent,
    ) {
        self.consent = consent;
        if batch_events > 0 {
            self.batch_events = batch_events.min(BATCH_EVENTS_MAX);
        }
        if flush_ms > 0.0 {
            self.flush_ms = flush_ms;
        }
        self.server_pause_until_ms = now_ms + clamp_retry_after(server_pause_ms);
    }

    /// Takes a new call.
    pub(crate) fn track(&mut self, now_ms: f64, call: Call, page: &mut impl Page) -> TrackResult {
        if !(1..=EVENT_NAME_CHARS_MAX as u32).contains(&call.name_chars) {
            return TrackResult::BadName;
        }
        if call.bytes > EVENT_BYTES_MAX as u32 {
            return TrackResult::TooLarge;
        }
        let state = match self.consent {
            Consent::Granted => State::Waiting,
            Consent::Pending => State::AwaitingConsent,
            Consent::Denied => return TrackResult::Withheld,
        };
        let Call { id, kind, bytes, overhead, envelope, .. } = call;
        self.make_room(bytes, page);
        self.queue.push(Item { id, kind, bytes, overhead, envelope, memory_only: false, state });
        self.due_ms = self.due_ms.min(now_ms + self.flush_ms);
        if kind == Kind::Identify {
            self.due_ms = now_ms;
        } else if self.queue.waiting() >= self.batch_events {
            self.due_ms = self.due_ms.min(now_ms.max(self.last_sent_ms + BATCH_INTERVAL_MS));
        }
        if state == State::AwaitingConsent {
            return TrackResult::AwaitingConsent;
        }
        page.persist(id);
        TrackResult::Queued
    }

    /// The page could not persist this call, because its storage is closed or full.
    pub(crate) fn persist_failed(&mut self, id: u32) {
        for item in self.queue.items_mut().filter(|item| item.id == id) {
            item.memory_only = true;
        }
    }

    /// Takes a call that an earlier page persisted. It is not sent for `handed_over_ms`.
    pub(crate) fn restore(&mut self, now_ms: f64, item: Item, handed_over_ms: f64, page: &mut impl Page) {
        if self.consent == Consent::Denied {
            return page.finish(item.id, Outcome::Withheld);
        }
        self.make_room(item.bytes, page);
        let is_handed_over = handed_over_ms > 0.0;
        let state = if is_handed_over {
            State::HandedOver(now_ms + handed_over_ms.min(HANDED_OVER_MS))
        } else {
            State::Waiting
        };
        self.queue.push(Item { state, ..item });
        if !is_handed_over {
            self.due_ms = now_ms;
        }
    }

    /// Removes a call that another page has adopted, or that is dropped.
    pub(crate) fn forget(&mut self, id: u32) {
        self.queue.remove(|item| item.id == id);
    }

    /// The visitor has decided.
    pub(crate) fn consent(&mut self, now_ms: f64, consent: Consent, page: &mut impl Page) {
        self.consent = consent;
        match consent {
            Consent::Pending => {}
            Consent::Granted => {
                for item in self.queue.items_mut().filter(|item| item.state == State::AwaitingConsent) {
                    item.state = State::Waiting;
                    page.persist(item.id);
                    self.due_ms = now_ms;
                }
            }
            Consent::Denied => self.queue.remove(|item| {
                page.finish(item.id, Outcome::Withheld);
                true
            }),
        }
    }

    /// Makes the waiting calls due now.
    pub(crate) fn flush(&mut self, now_ms: f64) {
        self.due_ms = now_ms;
    }

    /// The network is there or gone. Its return ends the backoff, but not a pause of the server.
    pub(crate) fn online(&mut self, now_ms: f64, online: bool) {
        let back = online && !self.online;
        self.online = online;
        if back {
            self.failures = 0;
            self.backoff_until_ms = 0.0;
            self.due_ms = now_ms;
        }
    }

    /// Does what is due.
    pub(crate) fn wake(&mut self, now_ms: f64, page: &mut impl Page) {
        let mut lost = None;
        for slot in &mut self.in_flight {
            if let Some(open) = slot.take_if(|open| open.until_ms <= now_ms) {
                lost = Some(open.request);
            }
        }
        if lost.is_some() {
            let in_flight = self.in_flight;
            let is_open = |request| in_flight.iter().flatten().any(|open| open.request == request);
            for item in self.queue.items_mut() {
                if matches!(item.state, State::InFlight(request) if !is_open(request)) {
                    item.state = State::Waiting;
                }
            }
            self.failed(now_ms, 0.0, page);
        }
        for item in self.queue.items_mut() {
            if matches!(item.state, State::HandedOver(until_ms) if until_ms <= now_ms) {
                item.state = State::Waiting;
                self.due_ms = now_ms;
            }
        }
        let limits =
            BatchLimits { events: BATCH_EVENTS_MAX, bytes: REQUEST_BYTES_MAX, strict: false, memory_only: false };
        let can_send = self.may_send(now_ms) && self.in_flight.iter().all(Option::is_none) && self.queue.waiting() > 0;
        if can_send && self.due_ms <= now_ms && !self.dispatch(now_ms, limits, SendMode::Keepalive, page) {
            self.failed(now_ms, 0.0, page);
        }
        if self.queue.waiting() == 0 {
            self.due_ms = NEVER;
        }
    }

    /// When to call `wake` next. The time may have passed already.
    pub(crate) fn next(&self) -> f64 {
        let answer_ms = self.in_flight.iter().flatten().map(|open| open.until_ms).fold(NEVER, f64::min);
        let handed_over_ms =
            self.queue.items().map(|item| if let State::HandedOver(until_ms) = item.state { until_ms } else { NEVER });
        let due_ms = if answer_ms < NEVER || !self.online || self.consent != Consent::Granted {
            NEVER
        } else {
            self.due_ms.max(self.backoff_until_ms).max(self.server_pause_until_ms)
        };
        handed_over_ms.fold(answer_ms.min(due_ms), f64::min)
    }

    /// The page is hidden, and with `leaving` it may never be shown again. Sends all calls at once,
    /// in parallel requests. During a pause, persisted calls wait for the next page; those that are
    /// only in memory are sent, because they have no other chance.
    pub(crate) fn hide(&mut self, now_ms: f64, leaving: bool, page: &mut impl Page) {
        let memory_only = !self.may_send(now_ms);
        if self.consent == Consent::Granted && (leaving || !memory_only) {
            let mode = if leaving { SendMode::HandOver } else { SendMode::Keepalive };
            let limits =
                BatchLimits { events: BATCH_EVENTS_MAX, bytes: HAND_OVER_BYTES_MAX, strict: false, memory_only };
            for _ in 0..QUEUE_ITEMS_MAX {
                if !self.dispatch(now_ms, limits, mode, page) {
                    break;
                }
            }
        }
        if leaving {
            for open in self.in_flight.iter_mut().flatten() {
                // If the page returns from the back/forward cache, its answers may be lost.
                open.until_ms = open.until_ms.min(now_ms + HANDED_OVER_MS);
            }
            for item in self.queue.items() {
                if matches!(item.state, State::HandedOver(_) | State::InFlight(_)) {
                    page.mark_handed_over(item.id);
                }
            }
        }
    }

    /// An answer arrived (`status` 0: the network failed). `from_trackmate`: its body is
    /// TrackMate's.
    pub(crate) fn answered(
        &mut self,
        now_ms: f64,
        request: u32,
        (status, from_trackmate): (u32, bool),
        retry_after_ms: f64,
        page: &mut impl Page,
    ) -> Option<Verdict> {
        let is_open = |open: &mut OpenRequest| open.request == request;
        self.in_flight.iter_mut().find_map(|slot| slot.take_if(is_open))?; // Else the request counted as lost before.
        let verdict = verdict(status, from_trackmate);
        let outcome = match verdict {
            Verdict::Retry => {
                self.queue.requeue(request);
                self.failed(now_ms, retry_after_ms, page);
                return Some(verdict);
            }
            Verdict::Delivered => Outcome::Delivered,
            Verdict::Refused => Outcome::Refused,
        };
        self.failures = 0;
        self.backoff_until_ms = 0.0;
        self.queue.remove(|item| {
            let carried = item.state == State::InFlight(request);
            if carried {
                page.finish(item.id, outcome);
            }
            carried
        });
        Some(verdict)
    }

    /// How far the delivery of the calls up to `id` is.
    pub(crate) fn progress(&self, now_ms: f64, id: u32) -> Progress {
        let awaited = |item: &&Item| item.id <= id && !matches!(item.state, State::HandedOver(_));
        match self.queue.items().find(awaited) {
            None => Progress::Done,
            Some(_) if !self.online || self.failures >= FAILURES_AWAITED_MAX => Progress::GivenUp,
            Some(_) if !self.may_send(now_ms) => Progress::Stuck,
            Some(_) => Progress::Going,
        }
    }

    fn may_send(&self, now_ms: f64) -> bool {
        self.online
            && self.consent == Consent::Granted
            && now_ms >= self.backoff_until_ms
            && now_ms >= self.server_pause_until_ms
    }

    fn make_room(&mut self, bytes: u32, page: &mut impl Page) {
        while let Some(oldest) = self.queue.overflow(bytes) {
            self.forget(oldest);
            page.finish(oldest, Outcome::Overflow);
        }
    }

    /// Sends one request. → Whether it was sent, so that the caller can send another. A request
    /// with an answer must fit in what browsers let outlive its page.
    fn dispatch(&mut self, now_ms: f64, mut limits: BatchLimits, mode: SendMode, page: &mut impl Page) -> bool {
        let Some(slot) = self.in_flight.iter().position(Option::is_none) else { return false };
        if mode == SendMode::Keepalive {
            let taken: u32 = self.in_flight.iter().flatten().map(|open| open.bytes).sum();
            limits = BatchLimits {
                bytes: limits.bytes.min(KEEPALIVE_BYTES_MAX.saturating_sub(taken)),
                strict: true,
                ..limits
            };
        }
        let request = self.requests + 1;
        let Some(batch) = self.queue.take_batch(request, limits, |id| page.add_to_batch(id)) else { return false };
        self.requests = request;
        self.last_sent_ms = now_ms;
        let sent = page.send(request, mode);
        if !sent {
            self.queue.requeue(request);
        } else if mode == SendMode::HandOver {
            for item in self.queue.items_mut().filter(|item| item.state == State::InFlight(request)) {
                item.state = State::HandedOver(now_ms + HANDED_OVER_MS);
            }
        } else if let Some(slot) = self.in_flight.get_mut(slot) {
            *slot = Some(OpenRequest { request, until_ms: now_ms + ANSWER_MS_MAX, bytes: batch.bytes });
        }
        sent
    }

    /// Starts a backoff. Parallel requests that fail together count as one failure.
    fn failed(&mut self, now_ms: f64, retry_after_ms: f64, page: &mut impl Page) {
        self.due_ms = now_ms;
        if now_ms >= self.backoff_until_ms {
            self.failures += 1;
        }
        self.backoff_until_ms = self.backoff_until_ms.max(now_ms + backoff_ms(self.failures, page.random()));
        let server_pause_ms = clamp_retry_after(retry_after_ms);
        if server_pause_ms > 0.0 {
            self.server_pause_until_ms = now_ms + server_pause_ms;
            page.pause(server_pause_ms);
        }
    }
}

#[cfg(test)]
mod tests;
