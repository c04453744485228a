//! The core with a scripted page, and generated histories of a browser, each of which must meet the
//! same promises.

use super::*;
use crate::limits::{QUEUE_BYTES_MAX, RETRY_AFTER_MS_MAX, RETRY_MS_MAX};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What the page knows about a call.
#[derive(Clone, Copy, Debug)]
struct Text {
    /// The call's name, the same on every page.
    name: u32,
    bytes: u32,
    kind: Kind,
}

#[derive(Clone, Debug)]
struct Sent {
    request: u32,
    names: Vec<u32>,
    mode: SendMode,
    bytes: u32,
}

/// A page with a storage that outlives it.
#[derive(Debug, Default)]
struct World {
    storage: BTreeMap<u32, Text>,
    storage_closed: bool,
    /// Calls that are not persisted yet.
    fresh: Vec<u32>,
    beacons_refused: bool,
    texts: BTreeMap<u32, Text>,
    put: Vec<u32>,
    sent: Vec<Sent>,
    handed_over: BTreeSet<u32>,
    outcomes: Vec<(u32, Outcome)>,
    paused: Option<f64>,
}

impl Page for World {
    fn persist(&mut self, id: u32) {
        self.fresh.push(id);
    }
    fn add_to_batch(&mut self, id: u32) {
        self.put.push(id);
    }
    fn send(&mut self, request: u32, mode: SendMode) -> bool {
        let put = std::mem::take(&mut self.put);
        let names = put.iter().map(|id| self.texts[id].name).collect();
        let bytes = put.iter().map(|id| self.texts[id].bytes).sum::<u32>() + OVERHEAD;
        let taken = !(self.beacons_refused && mode == SendMode::HandOver);
        if taken {
            self.sent.push(Sent { request, names, mode, bytes });
        }
        taken
    }
    fn mark_handed_over(&mut self, id: u32) {
        self.handed_over.insert(self.texts[&id].name);
    }
    fn finish(&mut self, id: u32, end: Outcome) {
        let text = self.texts.remove(&id).expect("a call outcomes only once");
        self.storage.remove(&text.name);
        self.outcomes.push((text.name, end));
    }
    fn pause(&mut self, wait_ms: f64) {
        self.paused = Some(wait_ms);
    }
    fn random(&mut self) -> u32 {
        1 << 31
    }
}

impl World {
    fn track(&mut self, core: &mut Core, now: f64, name: u32, bytes: u32) -> TrackResult {
        self.call(core, now, Text { name, bytes, kind: Kind::Event })
    }
    fn call(&mut self, core: &mut Core, now: f64, text: Text) -> TrackResult {
        let taken = self.make(core, now, text);
        self.write(core);
        taken
    }
    fn make(&mut self, core: &mut Core, now: f64, text: Text) -> TrackResult {
        let id = 1_000_000 + text.name;
        self.texts.insert(id, text);
        let call = Call { id, kind: text.kind, name_chars: 5, bytes: text.bytes, overhead: OVERHEAD, envelope: 0 };
        let taken = core.track(now, call, self);
        if taken as u32 > TrackResult::AwaitingConsent as u32 {
            self.texts.remove(&id);
        }
        taken
    }
    fn write(&mut self, core: &mut Core) {
        let fresh = std::mem::take(&mut self.fresh);
        if self.storage_closed {
            return fresh.into_iter().for_each(|id| core.persist_failed(id));
        }
        // The queue may have dropped a call since the core took it.
        self.storage.extend(fresh.iter().filter_map(|id| self.texts.get(id)).map(|text| (text.name, *text)));
    }
    /// The page is gone, and the next one reads the storage.
    fn reload(&mut self, now: f64, left_ms: f64) -> Core {
        let mut core = Core::new();
        self.texts.clear();
        for (place, text) in self.storage.clone().into_values().enumerate() {
            let id = place as u32 + 1;
            self.texts.insert(id, text);
            let Text { bytes, kind, .. } = text;
            let item =
                Item { id, kind, bytes, overhead: OVERHEAD, envelope: 0, memory_only: false, state: State::Waiting };
            let handed_over_ms = if self.handed_over.contains(&text.name) { left_ms } else { 0.0 };
            core.restore(now, item, handed_over_ms, self);
        }
        self.handed_over.clear();
        core
    }
    /// Lets the core do what is due → when to wake it next.
    fn wake(&mut self, core: &mut Core, now: f64) -> f64 {
        core.wake(now, self);
        core.next()
    }
    fn last(&self) -> u32 {
        self.sent.last().map_or(0, |sent| sent.request)
    }
}

/// Bytes of a body without its calls.
const OVERHEAD: u32 = 700;
const OK: (u32, bool) = (200, true);
const OUTAGE: (u32, bool) = (503, false);

#[test]
fn a_batch_waits_for_more_events_at_most_for_the_flush_interval() {
    let (mut core, mut page) = (Core::new(), World::default());
    page.track(&mut core, 100.0, 1, 200);
    page.track(&mut core, 4_000.0, 2, 200);
    assert_eq!(page.wake(&mut core, 4_000.0), 100.0 + FLUSH_MS);
    page.wake(&mut core, 100.0 + FLUSH_MS);
    assert_eq!(page.sent.len(), 1);
    assert_eq!(page.sent[0].names, [1, 2]);
}

#[test]
fn a_full_batch_and_an_identify_are_sent_at_once() {
    let (mut core, mut page) = (Core::new(), World::default());
    for name in 0..BATCH_EVENTS {
        page.track(&mut core, 0.0, name, 200);
    }
    page.wake(&mut core, 0.0);
    assert_eq!(page.sent[0].names.len(), 20);
    core.answered(1.0, page.last(), OK, 0.0, &mut page);
    page.call(&mut core, 2.0, Text { name: 90, bytes: 100, kind: Kind::Identify });
    page.wake(&mut core, 2.0);
    assert_eq!(page.sent[1].names, [90]);
}

#[test]
fn a_page_that_tracks_without_pause_sends_one_request_a_second_with_all_waiting_events() {
    let (mut core, mut page) = (Core::new(), World::default());
    for name in 0..25 {
        page.track(&mut core, 0.0, name, 200);
    }
    page.wake(&mut core, 0.0);
    assert_eq!(page.sent[0].names.len(), 25);
    core.answered(1.0, page.last(), OK, 0.0, &mut page);
    for name in 25..45 {
        page.track(&mut core, 100.0, name, 200);
    }
    assert_eq!(page.wake(&mut core, 100.0), BATCH_INTERVAL_MS);
    page.wake(&mut core, BATCH_INTERVAL_MS);
    assert_eq!(page.sent[1].names, (25..45).collect::<Vec<_>>());
    core.answered(1_001.0, page.last(), OK, 0.0, &mut page);
    page.track(&mut core, 1_002.0, 50, 200);
    page.call(&mut core, 1_003.0, Text { name: 51, bytes: 100, kind: Kind::Identify });
    page.wake(&mut core, 1_003.0);
    assert_eq!(page.sent[2].names, [50], "an identify sends the events before it first");
}

#[test]
fn a_failed_request_is_retried_later_and_a_refused_one_is_not() {
    let (mut core, mut page) = (Core::new(), World::default());
    page.track(&mut core, 0.0, 1, 200);
    core.flush(0.0);
    page.wake(&mut core, 0.0);
    assert_eq!(core.answered(10.0, page.last(), OUTAGE, 0.0, &mut page), Some(Verdict::Retry));
    let again = page.wake(&mut core, 10.0);
    assert!(again > 500.0 && page.sent.len() == 1 && page.storage.len() == 1);
    page.wake(&mut core, again);
    assert_eq!(page.sent.len(), 2);
    assert_eq!(core.answered(again, page.last(), (400, false), 0.0, &mut page), Some(Verdict::Refused));
    assert_eq!((page.outcomes.as_slice(), page.storage.len()), (&[(1, Outcome::Refused)][..], 0));
}

#[test]
fn the_server_s_pause_outlasts_a_network_outage_and_a_reload() {
    let (mut core, mut page) = (Core::new(), World::default());
    page.track(&mut core, 0.0, 1, 200);
    core.flush(0.0);
    page.wake(&mut core, 0.0);
    core.answered(0.0, page.last(), (429, false), 60_000.0, &mut page);
    assert_eq!(page.paused, Some(60_000.0));
    core.online(10.0, false);
    core.online(20.0, true);
    assert_eq!(page.wake(&mut core, 20.0), 60_000.0);
    let mut next = page.reload(100.0, 0.0);
    next.open(100.0, 0, 0.0, 59_900.0, Consent::Granted);
    assert_eq!(page.wake(&mut next, 100.0), 60_000.0);
    next.open(100.0, 0, 0.0, 1e12, Consent::Granted);
    assert_eq!(page.wake(&mut next, 100.0), 100.0 + RETRY_AFTER_MS_MAX, "a stored pause that is too long is cut");
    next.hide(200.0, true, &mut page);
    assert_eq!(page.sent.len(), 1, "a page that is left respects the pause too");
}

#[test]
fn a_missing_answer_is_a_failure_and_a_late_one_is_ignored() {
    let (mut core, mut page) = (Core::new(), World::default());
    page.track(&mut core, 0.0, 1, 200);
    core.flush(0.0);
    assert_eq!(page.wake(&mut core, 0.0), ANSWER_MS_MAX);
    let again = page.wake(&mut core, ANSWER_MS_MAX);
    assert_eq!(core.answered(ANSWER_MS_MAX, 1, OK, 0.0, &mut page), None);
    page.wake(&mut core, again);
    assert_eq!(page.sent.len(), 2);
}

#[test]
fn a_page_that_is_left_hands_over_all_that_the_browser_accepts() {
    let (mut core, mut page) = (Core::new(), World::default());
    for name in 0..60 {
        page.track(&mut core, 0.0, name, 3_000);
    }
    core.hide(0.0, true, &mut page);
    assert!(page.sent.iter().all(|sent| sent.mode == SendMode::HandOver && sent.bytes <= HAND_OVER_BYTES_MAX));
    assert_eq!(page.sent.iter().map(|sent| sent.names.len()).sum::<usize>(), 60);
    assert_eq!((page.handed_over.len(), page.storage.len()), (60, 60));

    let mut next = page.reload(0.0, HANDED_OVER_MS);
    page.sent.clear();
    assert_eq!(page.wake(&mut next, 0.0), HANDED_OVER_MS, "the next page does not send them …");
    page.wake(&mut next, HANDED_OVER_MS);
    assert_eq!(page.sent.len(), 1, "… for a while");
}

#[test]
fn a_call_whose_hand_over_the_browser_refuses_is_not_marked() {
    let (mut core, mut page) = (Core::new(), World { beacons_refused: true, ..World::default() });
    page.track(&mut core, 0.0, 1, 200);
    core.hide(0.0, true, &mut page);
    assert_eq!((page.handed_over.len(), page.storage.len()), (0, 1));
}

#[test]
fn during_a_pause_only_calls_that_would_be_lost_are_handed_over() {
    let (mut core, mut page) = (Core::new(), World::default());
    page.track(&mut core, 0.0, 1, 200);
    core.flush(0.0);
    page.wake(&mut core, 0.0);
    core.answered(0.0, page.last(), OUTAGE, 0.0, &mut page);
    page.storage_closed = true;
    page.track(&mut core, 1.0, 2, 200);
    core.hide(2.0, true, &mut page);
    assert_eq!(page.sent.last().map(|sent| sent.names.as_slice()), Some(&[2][..]));
}

#[test]
fn a_hidden_page_sends_all_at_once_within_the_keepalive_quota() {
    let (mut core, mut page) = (Core::new(), World::default());
    for name in 0..30 {
        page.track(&mut core, 0.0, name, 3_000);
    }
    core.hide(0.0, false, &mut page);
    assert!(page.sent.iter().all(|sent| sent.mode == SendMode::Keepalive));
    let lasting = page.sent.iter().map(|sent| sent.bytes).sum::<u32>();
    assert!(page.sent.len() > 1 && lasting <= KEEPALIVE_BYTES_MAX);
    core.hide(1.0, true, &mut page);
    assert_eq!(
        page.sent.iter().map(|sent| sent.names.len()).sum::<usize>(),
        30,
        "what did not fit in the quota is handed over when the page is left"
    );
}

#[test]
fn nothing_is_persisted_or_sent_before_the_visitor_consents() {
    let (mut core, mut page) = (Core::new(), World::default());
    core.consent(0.0, Consent::Pending, &mut page);
    assert_eq!(page.track(&mut core, 0.0, 1, 200), TrackResult::AwaitingConsent);
    core.flush(0.0);
    page.wake(&mut core, 9_999.0);
    core.hide(9_999.0, true, &mut page);
    assert!(page.sent.is_empty() && page.storage.is_empty());
    core.consent(10_000.0, Consent::Granted, &mut page);
    page.write(&mut core);
    assert_eq!(page.storage.len(), 1);
    page.wake(&mut core, 10_000.0);
    assert_eq!(page.sent.len(), 1);
}

#[test]
fn a_refusal_drops_queued_and_later_calls() {
    let (mut core, mut page) = (Core::new(), World::default());
    page.track(&mut core, 0.0, 1, 200);
    core.consent(0.0, Consent::Denied, &mut page);
    assert_eq!(page.track(&mut core, 0.0, 2, 200), TrackResult::Withheld);
    assert_eq!((page.outcomes.as_slice(), page.storage.len()), (&[(1, Outcome::Withheld)][..], 0));
    let left = Text { name: 3, bytes: 200, kind: Kind::Event };
    page.texts.insert(3, left);
    page.storage.insert(3, left);
    let item = Item {
        id: 3,
        kind: Kind::Event,
        bytes: 200,
        overhead: OVERHEAD,
        envelope: 0,
        memory_only: false,
        state: State::Waiting,
    };
    core.restore(0.0, item, 0.0, &mut page);
    assert!(page.storage.is_empty(), "calls of an earlier page are dropped too");
}

#[test]
fn names_and_sizes_have_the_server_s_limits() {
    let (mut core, mut page) = (Core::new(), World::default());
    assert_eq!(page.track(&mut core, 0.0, 1, EVENT_BYTES_MAX as u32), TrackResult::Queued);
    assert_eq!(page.track(&mut core, 0.0, 2, EVENT_BYTES_MAX as u32 + 1), TrackResult::TooLarge);
    for name_chars in [0, EVENT_NAME_CHARS_MAX as u32 + 1] {
        let call = Call { id: 9, kind: Kind::Event, name_chars, bytes: 10, overhead: OVERHEAD, envelope: 0 };
        assert_eq!(core.track(0.0, call, &mut page), TrackResult::BadName);
    }
}

#[test]
fn a_full_queue_drops_the_oldest_calls_and_reports_them() {
    let (mut core, mut page) = (Core::new(), World::default());
    for name in 0..QUEUE_ITEMS_MAX as u32 + 2 {
        page.track(&mut core, 0.0, name, 10);
    }
    assert_eq!(page.outcomes, [(0, Outcome::Overflow), (1, Outcome::Overflow)]);
    assert_eq!(page.storage.len(), QUEUE_ITEMS_MAX);
}

#[test]
fn progress_distinguishes_done_going_stuck_and_given_up() {
    let (mut core, mut page) = (Core::new(), World::default());
    assert_eq!(core.progress(0.0, u32::MAX), Progress::Done);
    page.track(&mut core, 0.0, 1, 200);
    assert_eq!(core.progress(0.0, u32::MAX), Progress::Going);
    assert_eq!(core.progress(0.0, 1), Progress::Done, "no call up to this number");
    let mut now = 0.0;
    core.flush(now);
    for failures in 1..=FAILURES_AWAITED_MAX {
        page.wake(&mut core, now);
        core.answered(now, page.last(), OUTAGE, 0.0, &mut page);
        let hopeless = failures == FAILURES_AWAITED_MAX;
        assert_eq!(core.progress(now, u32::MAX), if hopeless { Progress::GivenUp } else { Progress::Stuck });
        now = page.wake(&mut core, now);
    }
}

/// Something that happens in a browser.
#[derive(Clone, Debug)]
enum BrowserEvent {
    Track {
        events: u32,
        bytes: u32,
        identify: bool,
    },
    Wake,
    /// The oldest open request gets its answer, or its connection breaks.
    Answer {
        status: u32,
        retry_after_ms: f64,
    },
    Online(bool),
    Hide,
    /// The page is left and another page of the site opens. A crash skips the hand-over.
    Leave {
        crash: bool,
        wait_ms: f64,
    },
    Pass(f64),
}

fn browser_events() -> impl Strategy<Value = BrowserEvent> {
    prop_oneof![
        4 => (1u32..25, 50u32..6_000, prop::bool::weighted(0.1))
            .prop_map(|(events, bytes, identify)| BrowserEvent::Track { events, bytes, identify }),
        4 => Just(BrowserEvent::Wake),
        4 => (prop::sample::select(vec![200, 200, 200, 0, 503, 429, 408]), prop::sample::select(vec![0., 0., 5_000.]))
            .prop_map(|(status, retry_after_ms)| BrowserEvent::Answer { status, retry_after_ms }),
        1 => any::<bool>().prop_map(BrowserEvent::Online),
        1 => Just(BrowserEvent::Hide),
        1 => (any::<bool>(), 0.0..60_000.0).prop_map(|(crash, wait_ms)| BrowserEvent::Leave { crash, wait_ms }),
        2 => (0.0..20_000.0).prop_map(BrowserEvent::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever happens, in any order: below the limits no call is lost; the storage contains
    /// exactly the calls without an outcome; while the page stays there is one request at a time,
    /// in the order of the calls; and when the network and the server work again, every call
    /// arrives.
    #[test]
    fn no_call_is_lost_in_any_history_of_a_browser(history in prop::collection::vec(browser_events(), 1..60)) {
        let (mut core, mut page, mut now) = (Core::new(), World::default(), 0.0);
        let mut open: Vec<Sent> = Vec::new();
        let mut arrived = BTreeSet::new();
        let mut made = 0;
        let mut total_bytes = 0;
        let mut hidden = false;
        for event in history {
            let before = page.sent.len();
            match event {
                BrowserEvent::Track { events, bytes, identify } => {
                    for _ in 0..events {
                        if total_bytes + bytes > QUEUE_BYTES_MAX || made >= QUEUE_ITEMS_MAX as u32 { break; }
                        total_bytes += bytes;
                        made += 1;
                        let kind = if identify { Kind::Identify } else { Kind::Event };
                        let text = Text { name: made, bytes, kind };
                        prop_assert_eq!(page.make(&mut core, now, text), TrackResult::Queued);
                    }
                    page.write(&mut core);
                }
                BrowserEvent::Wake => {
                    let next = page.wake(&mut core, now);
                    prop_assert!(next > now, "it would wake again at once, for ever");
                    prop_assert!(next == NEVER || next <= now + RETRY_AFTER_MS_MAX.max(RETRY_MS_MAX));
                }
                BrowserEvent::Answer { status, retry_after_ms } => if !open.is_empty() {
                    let sent = open.remove(0);
                    if status == 200 { arrived.extend(sent.names.iter().copied()); }
                    core.answered(now, sent.request, (status, status == 200), retry_after_ms, &mut page);
                },
                BrowserEvent::Online(online) => core.online(now, online),
                BrowserEvent::Hide => {
                    core.hide(now, false, &mut page);
                    hidden = true;
                }
                BrowserEvent::Leave { crash, wait_ms } => {
                    if !crash { core.hide(now, true, &mut page); }
                    // Calls that were handed over may have arrived or not. Here they did not, the
                    // harder case.
                    now += wait_ms;
                    core = page.reload(now, HANDED_OVER_MS - wait_ms);
                    open.clear();
                    page.sent.clear();
                    hidden = false;
                    continue;
                }
                BrowserEvent::Pass(ms) => now += ms,
            }
            let fresh: Vec<_> = page.sent[before..].to_vec();
            open.extend(fresh.iter().cloned());
            for sent in &fresh {
                prop_assert!(sent.names.is_sorted(), "{:?}", sent.names);
                prop_assert!(sent.names.len() == 1 || sent.bytes <= REQUEST_BYTES_MAX);
                prop_assert!(sent.mode != SendMode::Keepalive || sent.bytes <= KEEPALIVE_BYTES_MAX);
            }
            if !hidden { prop_assert!(fresh.len() <= 1); }
            let ended: BTreeSet<_> = page.outcomes.iter().map(|(name, _)| *name).collect();
            prop_assert_eq!(ended.len(), page.outcomes.len(), "a call ended twice");
            for name in 1..=made {
                prop_assert!(
                    ended.contains(&name) != page.storage.contains_key(&name),
                    "{} has no outcome and is not in the storage",
                    name
                );
            }
        }
        // All works again: a new page, and a server that accepts everything.
        core = page.reload(now, HANDED_OVER_MS);
        page.sent.clear();
        for _ in 0..3_000 {
            let next = page.wake(&mut core, now);
            match page.sent.pop() {
                Some(sent) => {
                    arrived.extend(sent.names.iter().copied());
                    core.answered(now, sent.request, OK, 0.0, &mut page);
                }
                None if next == NEVER => break,
                None => now = next,
            }
        }
        prop_assert!(page.storage.is_empty());
        prop_assert_eq!(arrived, (1..=made).collect::<BTreeSet<_>>());
        prop_assert!(page.outcomes.iter().all(|(_, end)| *end == Outcome::Delivered));
    }
}
