//! The decisions against a scripted page, and generated lives of a browser against what must hold in every one of them.

use super::*;
use crate::limits::{QUEUE_BYTES_MAX, RETRY_AFTER_MS_MAX, RETRY_MS_MAX};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What the page knows of a call.
#[derive(Clone, Copy, Debug)]
struct Text {
    /// The call's own name, the same on every page.
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

/// A page with a disk that outlives it.
#[derive(Debug, Default)]
struct World {
    disk: BTreeMap<u32, Text>,
    disk_closed: bool,
    /// To be written.
    fresh: Vec<u32>,
    beacons_refused: bool,
    texts: BTreeMap<u32, Text>,
    put: Vec<u32>,
    sent: Vec<Sent>,
    away: BTreeSet<u32>,
    ends: Vec<(u32, Outcome)>,
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
        self.away.insert(self.texts[&id].name);
    }
    fn finish(&mut self, id: u32, end: Outcome) {
        let text = self.texts.remove(&id).expect("a call ends once");
        self.disk.remove(&text.name);
        self.ends.push((text.name, end));
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
        if self.disk_closed {
            return fresh.into_iter().for_each(|id| core.persist_failed(id));
        }
        // One that was taken may have given way since.
        self.disk.extend(fresh.iter().filter_map(|id| self.texts.get(id)).map(|text| (text.name, *text)));
    }
    /// The page is gone; the next one finds what is on the disk.
    fn reload(&mut self, now: f64, left_ms: f64) -> Core {
        let mut core = Core::new();
        self.texts.clear();
        for (place, text) in self.disk.clone().into_values().enumerate() {
            let id = place as u32 + 1;
            self.texts.insert(id, text);
            let Text { bytes, kind, .. } = text;
            let item =
                Item { id, kind, bytes, overhead: OVERHEAD, envelope: 0, memory_only: false, state: State::Waiting };
            let handed_over_ms = if self.away.contains(&text.name) { left_ms } else { 0.0 };
            core.restore(now, item, handed_over_ms, self);
        }
        self.away.clear();
        core
    }
    /// Lets the core do what is due → when to come again.
    fn wake(&mut self, core: &mut Core, now: f64) -> f64 {
        core.wake(now, self);
        core.next()
    }
    fn last(&self) -> u32 {
        self.sent.last().map_or(0, |sent| sent.request)
    }
}

/// Of a body besides its calls.
const OVERHEAD: u32 = 700;
const OK: (u32, bool) = (200, true);
const OUTAGE: (u32, bool) = (503, false);

#[test]
fn a_batch_waits_for_company_but_not_longer_than_its_time() {
    let (mut core, mut page) = (Core::new(), World::default());
    page.track(&mut core, 100.0, 1, 200);
    page.track(&mut core, 4_000.0, 2, 200);
    assert_eq!(page.wake(&mut core, 4_000.0), 100.0 + FLUSH_MS);
    page.wake(&mut core, 100.0 + FLUSH_MS);
    assert_eq!(page.sent.len(), 1);
    assert_eq!(page.sent[0].names, [1, 2]);
}

#[test]
fn a_full_batch_and_an_identify_do_not_wait() {
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
fn a_page_that_tracks_without_end_makes_a_request_a_second_with_all_that_waits() {
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
    assert_eq!(page.sent[2].names, [50], "an identify takes what is before it along");
}

#[test]
fn a_failure_is_tried_again_later_and_a_refusal_is_not() {
    let (mut core, mut page) = (Core::new(), World::default());
    page.track(&mut core, 0.0, 1, 200);
    core.flush(0.0);
    page.wake(&mut core, 0.0);
    assert_eq!(core.answered(10.0, page.last(), OUTAGE, 0.0, &mut page), Some(Verdict::Retry));
    let again = page.wake(&mut core, 10.0);
    assert!(again > 500.0 && page.sent.len() == 1 && page.disk.len() == 1);
    page.wake(&mut core, again);
    assert_eq!(page.sent.len(), 2);
    assert_eq!(core.answered(again, page.last(), (400, false), 0.0, &mut page), Some(Verdict::Refused));
    assert_eq!((page.ends.as_slice(), page.disk.len()), (&[(1, Outcome::Refused)][..], 0));
}

#[test]
fn the_server_s_pause_outlives_an_outage_of_the_network_and_the_page() {
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
    assert_eq!(
        page.wake(&mut next, 100.0),
        100.0 + RETRY_AFTER_MS_MAX,
        "a strange note of an earlier page has its bound"
    );
    next.hide(200.0, true, &mut page);
    assert_eq!(page.sent.len(), 1, "nor is it broken in parting");
}

#[test]
fn an_answer_that_does_not_come_is_a_failure_and_a_late_one_is_nothing() {
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
fn a_page_that_goes_hands_over_all_that_the_browser_takes_and_keeps_the_rest() {
    let (mut core, mut page) = (Core::new(), World::default());
    for name in 0..60 {
        page.track(&mut core, 0.0, name, 3_000);
    }
    core.hide(0.0, true, &mut page);
    assert!(page.sent.iter().all(|sent| sent.mode == SendMode::HandOver && sent.bytes <= HAND_OVER_BYTES_MAX));
    assert_eq!(page.sent.iter().map(|sent| sent.names.len()).sum::<usize>(), 60);
    assert_eq!((page.away.len(), page.disk.len()), (60, 60));

    let mut next = page.reload(0.0, HANDED_OVER_MS);
    page.sent.clear();
    assert_eq!(page.wake(&mut next, 0.0), HANDED_OVER_MS, "the next page leaves them alone …");
    page.wake(&mut next, HANDED_OVER_MS);
    assert_eq!(page.sent.len(), 1, "… for a while");
}

#[test]
fn what_the_browser_refuses_in_parting_is_not_marked() {
    let (mut core, mut page) = (Core::new(), World { beacons_refused: true, ..World::default() });
    page.track(&mut core, 0.0, 1, 200);
    core.hide(0.0, true, &mut page);
    assert_eq!((page.away.len(), page.disk.len()), (0, 1));
}

#[test]
fn during_a_pause_only_what_would_be_lost_is_handed_over() {
    let (mut core, mut page) = (Core::new(), World::default());
    page.track(&mut core, 0.0, 1, 200);
    core.flush(0.0);
    page.wake(&mut core, 0.0);
    core.answered(0.0, page.last(), OUTAGE, 0.0, &mut page);
    page.disk_closed = true;
    page.track(&mut core, 1.0, 2, 200);
    core.hide(2.0, true, &mut page);
    assert_eq!(page.sent.last().map(|sent| sent.names.as_slice()), Some(&[2][..]));
}

#[test]
fn a_page_out_of_sight_sends_all_at_once_within_the_shared_room() {
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
        "what found no room is tried again in parting"
    );
}

#[test]
fn nothing_is_written_or_sent_before_the_visitor_agrees() {
    let (mut core, mut page) = (Core::new(), World::default());
    core.consent(0.0, Consent::Pending, &mut page);
    assert_eq!(page.track(&mut core, 0.0, 1, 200), TrackResult::AwaitingConsent);
    core.flush(0.0);
    page.wake(&mut core, 9_999.0);
    core.hide(9_999.0, true, &mut page);
    assert!(page.sent.is_empty() && page.disk.is_empty());
    core.consent(10_000.0, Consent::Granted, &mut page);
    page.write(&mut core);
    assert_eq!(page.disk.len(), 1);
    page.wake(&mut core, 10_000.0);
    assert_eq!(page.sent.len(), 1);
}

#[test]
fn a_no_takes_what_is_queued_and_whatever_comes() {
    let (mut core, mut page) = (Core::new(), World::default());
    page.track(&mut core, 0.0, 1, 200);
    core.consent(0.0, Consent::Denied, &mut page);
    assert_eq!(page.track(&mut core, 0.0, 2, 200), TrackResult::Withheld);
    assert_eq!((page.ends.as_slice(), page.disk.len()), (&[(1, Outcome::Withheld)][..], 0));
    let left = Text { name: 3, bytes: 200, kind: Kind::Event };
    page.texts.insert(3, left);
    page.disk.insert(3, left);
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
    assert!(page.disk.is_empty(), "what an earlier page left, too");
}

#[test]
fn names_and_sizes_are_the_server_s() {
    let (mut core, mut page) = (Core::new(), World::default());
    assert_eq!(page.track(&mut core, 0.0, 1, EVENT_BYTES_MAX as u32), TrackResult::Queued);
    assert_eq!(page.track(&mut core, 0.0, 2, EVENT_BYTES_MAX as u32 + 1), TrackResult::TooLarge);
    for name_chars in [0, EVENT_NAME_CHARS_MAX as u32 + 1] {
        let call = Call { id: 9, kind: Kind::Event, name_chars, bytes: 10, overhead: OVERHEAD, envelope: 0 };
        assert_eq!(core.track(0.0, call, &mut page), TrackResult::BadName);
    }
}

#[test]
fn the_oldest_give_way_and_say_so() {
    let (mut core, mut page) = (Core::new(), World::default());
    for name in 0..QUEUE_ITEMS_MAX as u32 + 2 {
        page.track(&mut core, 0.0, name, 10);
    }
    assert_eq!(page.ends, [(0, Outcome::Overflow), (1, Outcome::Overflow)]);
    assert_eq!(page.disk.len(), QUEUE_ITEMS_MAX);
}

#[test]
fn progress_tells_done_from_going_from_hopeless() {
    let (mut core, mut page) = (Core::new(), World::default());
    assert_eq!(core.progress(0.0, u32::MAX), Progress::Done);
    page.track(&mut core, 0.0, 1, 200);
    assert_eq!(core.progress(0.0, u32::MAX), Progress::Going);
    assert_eq!(core.progress(0.0, 1), Progress::Done, "nothing up to there");
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

/// Something that happens to a browser.
#[derive(Clone, Debug)]
enum Happening {
    Track {
        events: u32,
        bytes: u32,
        identify: bool,
    },
    Wake,
    /// The oldest open request is answered, or its connection breaks.
    Answer {
        status: u32,
        retry_after_ms: f64,
    },
    Online(bool),
    Hide,
    /// The page goes and another of the site comes; a crash skips the going.
    Leave {
        crash: bool,
        wait_ms: f64,
    },
    Pass(f64),
}

fn happenings() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (1u32..25, 50u32..6_000, prop::bool::weighted(0.1)).prop_map(|(events, bytes, identify)| Happening::Track { events, bytes, identify }),
        4 => Just(Happening::Wake),
        4 => (prop::sample::select(vec![200, 200, 200, 0, 503, 429, 408]), prop::sample::select(vec![0.0, 0.0, 5_000.0]))
            .prop_map(|(status, retry_after_ms)| Happening::Answer { status, retry_after_ms }),
        1 => any::<bool>().prop_map(Happening::Online),
        1 => Just(Happening::Hide),
        1 => (any::<bool>(), 0.0..60_000.0).prop_map(|(crash, wait_ms)| Happening::Leave { crash, wait_ms }),
        2 => (0.0..20_000.0).prop_map(Happening::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever happens, in whatever order: below the cap nothing is lost; on the disk is exactly what has not ended; while the page stays
    /// there is one request at a time, in the order of the calls; and once the world heals, everything arrives.
    #[test]
    fn nothing_is_lost_in_any_life_of_a_browser(life in prop::collection::vec(happenings(), 1..60)) {
        let (mut core, mut page, mut now) = (Core::new(), World::default(), 0.0);
        let mut open: Vec<Sent> = Vec::new();
        let mut arrived = BTreeSet::new();
        let mut made = 0;
        let mut total_bytes = 0;
        let mut hidden = false;
        for happening in life {
            let before = page.sent.len();
            match happening {
                Happening::Track { events, bytes, identify } => {
                    for _ in 0..events {
                        if total_bytes + bytes > QUEUE_BYTES_MAX || made >= QUEUE_ITEMS_MAX as u32 { break; }
                        total_bytes += bytes;
                        made += 1;
                        let kind = if identify { Kind::Identify } else { Kind::Event };
                        prop_assert_eq!(page.make(&mut core, now, Text { name: made, bytes, kind }), TrackResult::Queued);
                    }
                    page.write(&mut core);
                }
                Happening::Wake => {
                    let next = page.wake(&mut core, now);
                    prop_assert!(next > now, "it would come again at once, for ever");
                    prop_assert!(next == NEVER || next <= now + RETRY_AFTER_MS_MAX.max(RETRY_MS_MAX));
                }
                Happening::Answer { status, retry_after_ms } => if !open.is_empty() {
                    let sent = open.remove(0);
                    if status == 200 { arrived.extend(sent.names.iter().copied()); }
                    core.answered(now, sent.request, (status, status == 200), retry_after_ms, &mut page);
                },
                Happening::Online(online) => core.online(now, online),
                Happening::Hide => {
                    core.hide(now, false, &mut page);
                    hidden = true;
                }
                Happening::Leave { crash, wait_ms } => {
                    if !crash { core.hide(now, true, &mut page); }
                    // What was handed over may or may not have arrived; here it did not, which is the harder case.
                    now += wait_ms;
                    core = page.reload(now, HANDED_OVER_MS - wait_ms);
                    open.clear();
                    page.sent.clear();
                    hidden = false;
                    continue;
                }
                Happening::Pass(ms) => now += ms,
            }
            let fresh: Vec<_> = page.sent[before..].to_vec();
            open.extend(fresh.iter().cloned());
            for sent in &fresh {
                prop_assert!(sent.names.is_sorted(), "{:?}", sent.names);
                prop_assert!(sent.names.len() == 1 || sent.bytes <= REQUEST_BYTES_MAX);
                prop_assert!(sent.mode != SendMode::Keepalive || sent.bytes <= KEEPALIVE_BYTES_MAX);
            }
            if !hidden { prop_assert!(fresh.len() <= 1); }
            let ended: BTreeSet<_> = page.ends.iter().map(|(name, _)| *name).collect();
            prop_assert_eq!(ended.len(), page.ends.len(), "a call ended twice");
            for name in 1..=made {
                prop_assert!(ended.contains(&name) != page.disk.contains_key(&name), "{} is neither over nor on the disk", name);
            }
        }
        // The world heals: a new page, and a server that takes everything.
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
        prop_assert!(page.disk.is_empty());
        prop_assert_eq!(arrived, (1..=made).collect::<BTreeSet<_>>());
        prop_assert!(page.ends.iter().all(|(_, end)| *end == Outcome::Delivered));
    }
}
