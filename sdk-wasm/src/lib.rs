//! The surface between the browser SDK's rim (`js/`) and its decisions, and nothing else. Only numbers cross it: the rim keeps
//! every text, so there is nothing to copy, nothing to allocate and no glue to download. All of it is decided in `core`, `session`
//! and `retry`, which are plain Rust without a browser in them.

mod core;
mod limits;
mod queue;
mod retry;
mod session;

use crate::core::{Call, Consent, Core, End, How, Page};
use crate::queue::{Item, Kind, State};
use std::sync::{Mutex, MutexGuard};
use wasm_bindgen::prelude::*;

// Signed, because the browser's own conversion is then the right one and wasm-bindgen adds none.
#[wasm_bindgen(raw_module = "env")]
extern "C" {
    // `core::Page`, as the rim implements it.
    fn keep(id: i32);
    fn put(id: i32);
    fn send(request: i32, how: i32) -> i32;
    fn away(id: i32);
    fn done(id: i32, end: i32);
    fn pause(wait_ms: f64);
    fn random() -> i32;
}

struct Rim;

impl Page for Rim {
    fn keep(&mut self, id: u32) {
        keep(id.cast_signed());
    }
    fn put(&mut self, id: u32) {
        put(id.cast_signed());
    }
    fn send(&mut self, request: u32, how: How) -> bool {
        send(request.cast_signed(), how as i32) > 0
    }
    fn away(&mut self, id: u32) {
        away(id.cast_signed());
    }
    fn done(&mut self, id: u32, end: End) {
        done(id.cast_signed(), end as i32);
    }
    fn pause(&mut self, wait_ms: f64) {
        pause(wait_ms);
    }
    fn random(&mut self) -> u32 {
        random().cast_unsigned()
    }
}

/// One for the page. There is one thread, the rim never calls in from a callback, and no callback throws, so it is never
/// taken; but a stack that is full can end a call anywhere. Then it stays taken, all calls do nothing and answer
/// [`ENDED`], `next` is not a number, and the rim makes another core.
static CORE: Mutex<Core> = Mutex::new(Core::new());

/// No answer of a core that works.
const ENDED: i32 = -1;

fn with(step: impl FnOnce(&mut Core)) {
    if let Some(mut core) = core() {
        step(&mut core);
    }
}

fn answer(step: impl FnOnce(&mut Core) -> i32) -> i32 {
    core().map_or(ENDED, |mut core| step(&mut core))
}

/// Not inlined: each export would repeat it.
#[inline(never)]
fn core() -> Option<MutexGuard<'static, Core>> {
    CORE.try_lock().ok()
}

const fn kind(identify: bool) -> Kind {
    if identify { Kind::Identify } else { Kind::Event }
}

/// `init`'s options, 0 for the default, how long the server has asked to wait, and what the visitor has decided (`core::Consent`). What is
/// never opened has the defaults.
#[wasm_bindgen]
pub fn open(now_ms: f64, batch_events: u32, flush_ms: f64, asked_ms: f64, decision: u32) {
    with(|core| core.open(now_ms, batch_events, flush_ms, asked_ms, decided(decision)));
}

const fn decided(decision: u32) -> Consent {
    match decision {
        0 => Consent::Granted,
        1 => Consent::Denied,
        _ => Consent::Pending,
    }
}

/// A call was made → `core::Taken`.
#[wasm_bindgen]
pub fn track(now_ms: f64, id: u32, identify: bool, name_chars: u32, bytes: u32, overhead: u32, envelope: u32) -> i32 {
    let call = Call { id, kind: kind(identify), name_chars, bytes, overhead, envelope };
    answer(|core| core.track(now_ms, call, &mut Rim) as i32)
}

/// A call that the page was asked to keep could not be written down.
#[wasm_bindgen]
pub fn unkept(id: u32) {
    with(|core| core.unkept(id));
}

/// An earlier page left this call, and it is to be left alone for `away_ms`.
#[wasm_bindgen]
pub fn restore(now_ms: f64, id: u32, identify: bool, bytes: u32, overhead: u32, envelope: u32, away_ms: f64) {
    let item = Item { id, kind: kind(identify), bytes, overhead, envelope, volatile: false, state: State::Waiting };
    with(|core| core.restore(now_ms, item, away_ms, &mut Rim));
}

/// Another page has taken this call over.
#[wasm_bindgen]
pub fn forget(id: u32) {
    with(|core| core.forget(id));
}

/// The visitor has decided: `core::Consent`.
#[wasm_bindgen]
pub fn consent(now_ms: f64, decision: u32) {
    with(|core| core.consent(now_ms, decided(decision), &mut Rim));
}

/// Send what waits, now.
#[wasm_bindgen]
pub fn flush(now_ms: f64) {
    with(|core| core.flush(now_ms));
}

/// The network came or went.
#[wasm_bindgen]
pub fn online(now_ms: f64, online: bool) {
    with(|core| core.online(now_ms, online));
}

/// Does what has become due.
#[wasm_bindgen]
pub fn wake(now_ms: f64) {
    with(|core| core.wake(now_ms, &mut Rim));
}

/// When to wake next (Infinity: no need; not a number: this core was ended).
#[wasm_bindgen]
pub fn next() -> f64 {
    core().map_or(f64::NAN, |core| core.next())
}

/// The page is going out of sight, or for good.
#[wasm_bindgen]
pub fn part(now_ms: f64, leaving: bool) {
    with(|core| core.part(now_ms, leaving, &mut Rim));
}

/// An answer came → 0 delivered, 1 again, 2 refused, 3 too late.
#[wasm_bindgen]
pub fn answered(now_ms: f64, request: u32, status: u32, ours: bool, retry_after_ms: f64) -> i32 {
    answer(|core| {
        let verdict = core.answered(now_ms, request, (status, ours), retry_after_ms, &mut Rim);
        verdict.map_or(3, |verdict| verdict as i32)
    })
}

/// How far the calls up to `id` have come → `core::Progress`.
#[wasm_bindgen]
pub fn progress(now_ms: f64, id: u32) -> i32 {
    answer(|core| core.progress(now_ms, id) as i32)
}

/// What becomes of the stored visit (`started_s` 0: there is none) at a call on a page to which the visitor came by `campaign` → `session::Visit`.
#[wasm_bindgen]
pub fn visit(now_s: u32, campaign: u32, started_s: u32, last_s: u32, stored_campaign: u32) -> i32 {
    session::Stored { started_s, last_s, campaign: stored_campaign }.at(now_s, campaign) as i32
}

/// Whether a context of so many bytes may be sent with events.
#[wasm_bindgen]
pub fn fits(context_bytes: u32) -> i32 {
    i32::from(context_bytes <= limits::CONTEXT_BYTES_MAX as u32)
}
