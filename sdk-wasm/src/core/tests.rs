//! The core against scripted days: one page, one server that works, fails or stays silent, and a clock of the test's own.

use super::*;
use crate::limits::{REQUEST_BYTES_MAX, RETRY_MAX_MS};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

const START_MS: u64 = 1_760_781_600_000;

/// A browser that does what the core asks for, and remembers it.
#[derive(Default)]
struct Page {
    core: Core,
    now_ms: u64,
    draws: u128,
    storage: BTreeMap<String, String>,
    sent: Vec<Request>,
    settled: BTreeMap<u32, Settlement>,
    warnings: Vec<String>,
    wake_ms: Option<u64>,
}

impl Page {
    fn new() -> Self {
        Self { now_ms: START_MS, ..Self::default() }
    }

    fn started() -> Self {
        let mut page = Self::new();
        page.init();
        page
    }

    /// The next page of the same browser: only storage is left.
    fn reloaded(self) -> Self {
        let mut page = Self { storage: self.storage, now_ms: self.now_ms, draws: self.draws, ..Self::default() };
        page.init();
        page
    }

    fn moment(&mut self) -> Moment {
        self.draws += 1;
        let bits = self.draws.to_be_bytes();
        let session = self.storage.get(STORAGE_KEY).cloned();
        Moment { now_ms: self.now_ms, message_bits: bits, session_bits: bits, session }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(request) => self.sent.push(request),
                Effect::Wake(at) => self.wake_ms = at,
                Effect::Store { key, value } => drop(self.storage.insert(key, value)),
                Effect::Forget(key) => drop(self.storage.remove(&key)),
                Effect::Settle(ticket, end) => assert_eq!(self.settled.insert(ticket, end), None, "settled twice"),
                Effect::Warn(text) => self.warnings.push(text),
            }
        }
    }

    fn init(&mut self) {
        let moment = self.moment();
        let stored: Vec<_> = self.queued().map(|(key, value)| (key.clone(), value.clone())).collect();
        let effects = self.core.init("TM-A", "https://t.example/", &Options::default(), &stored, &moment);
        self.perform(effects);
    }

    fn queued(&self) -> impl Iterator<Item = (&String, &String)> {
        self.storage.iter().filter(|(key, _)| key.starts_with("trackmate.queue."))
    }

    fn track(&mut self, name: &str) {
        let moment = self.moment();
        let effects = self.core.track(name, "{}", CallOptions::default(), &moment);
        self.perform(effects);
    }

    fn identify(&mut self, ticket: u32) {
        let moment = self.moment();
        let effects = self.core.identify("{\"email\":\"a@b.c\"}", CallOptions::default(), ticket, &moment);
        self.perform(effects);
    }

    fn flush(&mut self, ticket: u32) {
        let moment = self.moment();
        let effects = self.core.flush(ticket, &moment);
        self.perform(effects);
    }

    fn hide(&mut self) {
        let moment = self.moment();
        let effects = self.core.hide(&moment);
        self.perform(effects);
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        if self.wake_ms.is_some_and(|at| at <= self.now_ms) {
            let moment = self.moment();
            let effects = self.core.wake(&moment);
            self.perform(effects);
        }
    }

    fn answer(&mut self, request: u32, answer: Answer) {
        let moment = self.moment();
        let effects = self.core.answered(request, answer, &moment);
        self.perform(effects);
    }

    fn last_sent(&self) -> (u32, &str, Value) {
        let request = self.sent.last().expect("a request");
        (request.id, &request.url, serde_json::from_str(&request.body).expect("JSON"))
    }

    /// Lets time pass and answers well until nothing waits.
    fn heal(&mut self) -> Vec<Value> {
        let mut delivered = Vec::new();
        for _ in 0..10_000 {
            for request in std::mem::take(&mut self.sent) {
                delivered.push(serde_json::from_str(&request.body).expect("JSON"));
                self.answer(request.id, ok());
            }
            match self.wake_ms {
                _ if !self.sent.is_empty() => {}
                Some(at) => self.pass(at.saturating_sub(self.now_ms)),
                None => return delivered,
            }
        }
        panic!("never at rest");
    }
}

fn ok() -> Answer {
    let body = AnswerBody { success: true, profile_id: Some("p1".to_owned()), ..AnswerBody::default() };
    Answer { status: 200, body: Some(body), retry_after_ms: None }
}

fn status(status: u16) -> Answer {
    Answer { status, ..Answer::default() }
}

fn names(body: &Value) -> Vec<&str> {
    body["events"].as_array().into_iter().flatten().filter_map(|event| event["eventType"].as_str()).collect()
}

#[test]
fn a_batch_waits_a_second() {
    let mut page = Page::started();
    page.track("a");
    page.pass(999);
    assert!(page.sent.is_empty());
    page.track("b");
    page.pass(1);
    let (_, url, body) = page.last_sent();
    assert_eq!(url, "https://t.example/api/events");
    assert_eq!(names(&body), ["a", "b"]);
    assert_eq!(body["company_id"], "TM-A");
    assert_eq!(body["sentAt"], "2025-10-18T10:00:01.000Z");
    assert_eq!(body["events"][0]["timestamp"], "2025-10-18T10:00:00.000Z");
}

#[test]
fn a_full_batch_does_not_wait() {
    let mut page = Page::started();
    for _ in 0..BATCH_SIZE {
        page.track("a");
    }
    assert_eq!(page.sent.len(), 1);
}

#[test]
fn calls_of_one_instant_keep_their_order_by_time() {
    let mut page = Page::started();
    page.track("a");
    page.track("b");
    page.now_ms -= 5; // and the clock was set back
    page.track("c");
    page.hide();
    let (_, _, body) = page.last_sent();
    let times: Vec<_> = (0..3).map(|i| body["events"][i]["timestamp"].as_str().expect("a time").to_owned()).collect();
    assert_eq!(times, ["2025-10-18T10:00:00.000Z", "2025-10-18T10:00:00.001Z", "2025-10-18T10:00:00.002Z"]);
}

#[test]
fn calls_before_init_wait_for_it() {
    let mut page = Page::new();
    page.track("early");
    page.identify(1);
    page.pass(60_000);
    assert!(page.sent.is_empty());
    page.init();
    assert_eq!(page.queued().count(), 2);
    assert_eq!(names(&page.last_sent().2), ["early"]);
}

#[test]
fn identify_goes_behind_what_waits_and_says_who() {
    let mut page = Page::started();
    page.track("a");
    page.identify(7);
    let (id, _, body) = page.last_sent();
    assert_eq!(names(&body), ["a"]);
    page.answer(id, ok());
    let (id, url, body) = page.last_sent();
    assert_eq!(url, "https://t.example/api/profile");
    assert_eq!(body["email"], "a@b.c");
    assert!(body["messageId"].is_string() && body["timestamp"].is_string() && body["sentAt"].is_string());
    page.answer(id, ok());
    assert_eq!(page.settled[&7], Settlement::Identified("p1".to_owned()));
    assert_eq!(page.queued().count(), 0);
}

#[test]
fn a_refused_identify_says_why_and_is_not_repeated() {
    let mut page = Page::started();
    page.identify(1);
    let body = AnswerBody { code: Some("email_invalid".into()), message: Some("no".into()), ..AnswerBody::default() };
    page.answer(1, Answer { status: 422, body: Some(body), retry_after_ms: None });
    assert_eq!(page.settled[&1], Settlement::Failed { code: "email_invalid".into(), message: "no".into() });
    assert_eq!(page.wake_ms, None);
}

#[test]
fn an_identify_that_reaches_nobody_says_so_and_is_kept() {
    let mut page = Page::started();
    page.identify(1);
    while page.settled.is_empty() {
        let (id, ..) = page.last_sent();
        page.answer(id, status(0));
        page.pass(RETRY_MAX_MS);
    }
    assert!(matches!(&page.settled[&1], Settlement::Failed { code, .. } if code == "unreachable"));
    assert_eq!(page.sent.len(), IDENTIFY_FAILURES_MAX as usize + 1);
    assert_eq!(page.queued().count(), 1);
}

#[test]
fn refused_events_are_dropped_with_a_warning() {
    let mut page = Page::started();
    page.track("a");
    page.hide();
    page.answer(1, status(403));
    assert_eq!(page.warnings, ["1 events were refused: http_403 TrackMate answered 403"]);
    assert_eq!((page.wake_ms, page.queued().count()), (None, 0));
}

#[test]
fn the_server_s_pause_is_kept_even_when_the_page_hides() {
    let mut page = Page::started();
    page.track("a");
    page.hide();
    page.answer(1, Answer { status: 429, retry_after_ms: Some(60_000), body: None });
    page.hide();
    page.pass(59_000);
    assert_eq!(page.sent.len(), 1);
    page.pass(1_000);
    assert_eq!(page.sent.len(), 2);
}

#[test]
fn a_request_without_an_answer_is_repeated_and_its_late_answer_ignored() {
    let mut page = Page::started();
    page.track("a");
    page.hide();
    page.pass(ANSWER_WAIT_MAX_MS);
    page.pass(RETRY_MAX_MS);
    let (first, second) = (&page.sent[0], &page.sent[1]);
    let id_of = |r: &Request| serde_json::from_str::<Value>(&r.body).expect("JSON")["events"][0]["messageId"].clone();
    assert_eq!(id_of(first), id_of(second));
    page.answer(1, ok());
    assert_eq!(page.queued().count(), 1, "still waits for the answer to its repeat");
    page.answer(2, ok());
    assert_eq!(page.queued().count(), 0);
}

#[test]
fn flush_ends_when_all_before_it_is_done_or_a_try_failed() {
    let mut page = Page::started();
    page.flush(1);
    assert_eq!(page.settled[&1], Settlement::Flushed(true));
    page.track("a");
    page.flush(2);
    page.track("b");
    page.answer(1, ok());
    assert_eq!(page.settled[&2], Settlement::Flushed(true));
    page.flush(3);
    page.answer(2, status(503));
    assert_eq!(page.settled[&3], Settlement::Flushed(false));
}

#[test]
fn a_hiding_page_sends_everything_in_bodies_that_may_outlive_it() {
    let mut page = Page::started();
    for _ in 0..5 {
        let moment = page.moment();
        let data = format!("\"{}\"", "x".repeat(30_000));
        let effects = page.core.track("big", &data, CallOptions::default(), &moment);
        page.perform(effects);
    }
    page.hide();
    assert_eq!(page.sent.len(), 5);
    assert!(page.sent.iter().all(|request| request.body.len() <= REQUEST_BYTES_MAX));
}

#[test]
fn reset_begins_another_session_for_later_calls_only() {
    let mut page = Page::started();
    page.track("before");
    let moment = page.moment();
    let effects = page.core.reset(None, &moment);
    page.perform(effects);
    page.track("after");
    let sessions: Vec<_> = page.heal().iter().map(|body| body["sessionId"].clone()).collect();
    assert_eq!(sessions.len(), 2);
    assert_ne!(sessions[0], sessions[1]);
}

#[test]
fn what_cannot_be_an_event_is_dropped_with_a_warning() {
    let mut page = Page::started();
    page.track("");
    page.track(&"x".repeat(EVENT_NAME_CHARS_MAX + 1));
    let moment = page.moment();
    let data = format!("\"{}\"", "x".repeat(EVENT_BYTES_MAX));
    let effects = page.core.track("big", &data, CallOptions::default(), &moment);
    page.perform(effects);
    assert_eq!((page.warnings.len(), page.queued().count()), (3, 0));
}

#[derive(Clone, Debug)]
enum Step {
    Track,
    Identify,
    Flush,
    Hide,
    Reload,
    Pass(u64),
    Answer(u16),
    LoseAnswer,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Track),
        1 => Just(Step::Identify),
        1 => Just(Step::Flush),
        1 => Just(Step::Hide),
        1 => Just(Step::Reload),
        3 => (0u64..40_000).prop_map(Step::Pass),
        4 => prop_oneof![Just(0u16), Just(200), Just(429), Just(503)].prop_map(Step::Answer),
        1 => Just(Step::LoseAnswer),
    ]
}

proptest! {
    /// Whatever happens to the network and the page: once all is well, every call has arrived, as it was made, with the id it
    /// was given, and nothing is left in storage. Promises of the last page have ended.
    #[test]
    fn no_call_is_lost(steps in prop::collection::vec(step(), 0..80)) {
        let mut page = Page::started();
        let (mut made, mut tickets) = (0usize, Vec::new());
        let mut arrived: Vec<Value> = Vec::new();
        for step in steps {
            match step {
                Step::Track => { page.track(&format!("n{made}")); made += 1; }
                Step::Identify => { made += 1; tickets.push(made as u32); page.identify(made as u32); }
                Step::Flush => { tickets.push(1_000 + page.draws as u32); page.flush(1_000 + page.draws as u32); }
                Step::Hide => page.hide(),
                Step::Reload => { tickets.clear(); page = page.reloaded(); }
                Step::Pass(ms) => page.pass(ms),
                Step::LoseAnswer => drop(page.sent.pop()),
                Step::Answer(code) => if let Some(request) = page.sent.pop() {
                    if code == 200 {
                        arrived.push(serde_json::from_str(&request.body).expect("JSON"));
                    }
                    page.answer(request.id, if code == 200 { ok() } else { status(code) });
                },
            }
        }
        arrived.extend(page.heal());
        let mut calls = BTreeMap::new();
        for body in &arrived {
            for call in body["events"].as_array().cloned().unwrap_or_else(|| vec![body.clone()]) {
                let id = call["messageId"].as_str().expect("an id").to_owned();
                let what = (call["timestamp"].clone(), call["eventType"].clone(), body["sessionId"].clone());
                prop_assert_eq!(calls.entry(id).or_insert_with(|| what.clone()), &what);
            }
        }
        prop_assert_eq!(calls.len(), made);
        prop_assert_eq!(page.queued().count(), 0);
        prop_assert!(tickets.iter().all(|ticket| page.settled.contains_key(ticket)));
    }
}
