//! The interface between the browser SDK's host in TypeScript (`js/`) and its core, and nothing
//! else. Only numbers cross it. The host stores every text, so nothing is copied or allocated, and
//! there is no glue to download. The decisions are in `core`, `session` and `retry`: plain Rust
//! without a browser.
#![allow(clippy::too_many_arguments, reason = "only numbers cross, so a call is an argument for each")]

mod core;
mod limits;
mod queue;
mod retry;
mod session;

use crate::core::{Call, Consent, Core, Outcome, Page, SendMode};
use crate::queue::{Item, Kind, State};
use std::sync::{Mutex, MutexGuard};
use wasm_bindgen::prelude::*;

// Signed, because the browser then converts correctly by itself, and wasm-bindgen adds no code.
#[wasm_bindgen(raw_module = "env")]
extern "C" {
    // `core::Page`, which the host implements.
    fn persist(id: i32);
    #[wasm_bindgen(js_name = addToBatch)]
    fn add_to_batch(id: i32);
    fn send(request: i32, mode: i32) -> i32;
    #[wasm_bindgen(js_name = handedOver)]
    fn mark_handed_over(id: i32);
    fn finish(id: i32, outcome: i32);
    fn pause(wait_ms: f64);
    fn random() -> i32;
}

struct Host;

impl Page for Host {
    fn persist(&mut self, id: u32) {
        persist(id.cast_signed());
    }
    fn add_to_batch(&mut self, id: u32) {
        add_to_batch(id.cast_signed());
    }
    fn send(&mut self, request: u32, mode: SendMode) -> bool {
        send(request.cast_signed(), mode as i32) > 0
    }
    fn mark_handed_over(&mut self, id: u32) {
        mark_handed_over(id.cast_signed());
    }
    fn finish(&mut self, id: u32, outcome: Outcome) {
        finish(id.cast_signed(), outcome as i32);
    }
    fn pause(&mut self, wait_ms: f64) {
        pause(wait_ms);
    }
    fn random(&mut self) -> u32 {
        random().cast_unsigned()
    }
}

/// The one core of the page. There is one thread, the host calls no function from a callback, and
/// no callback throws, so the lock is always free. But a full stack, or a browser that closes the
/// page, can end a call anywhere. Then the lock stays taken: all calls do nothing and return
/// [`CORE_UNUSABLE`], `next` is not a number, and the host creates another core.
static CORE: Mutex<Core> = Mutex::new(Core::new());

/// What a usable core never returns.
const CORE_UNUSABLE: i32 = -1;

fn with(step: impl FnOnce(&mut Core)) {
    if let Some(mut core) = core() {
        step(&mut core);
    }
}

fn answer(step: impl FnOnce(&mut Core) -> i32) -> i32 {
    core().map_or(CORE_UNUSABLE, |mut core| step(&mut core))
}

/// Not inlined, because each export would repeat it.
#[inline(never)]
fn core() -> Option<MutexGuard<'static, Core>> {
    CORE.try_lock().ok()
}

const fn kind(identify: bool) -> Kind {
    if identify { Kind::Identify } else { Kind::Event }
}

/// Sets `init`'s options (0: the default), the rest of a pause that the server asked for, and the
/// visitor's decision (`core::Consent`). Without this call a core has the defaults.
#[wasm_bindgen]
pub fn open(now_ms: f64, batch_events: u32, flush_ms: f64, server_pause_ms: f64, decision: u32) {
    with(|core| core.open(now_ms, batch_events, flush_ms, server_pause_ms, consent_of(decision)));
}

const fn consent_of(decision: u32) -> Consent {
    match decision {
        0 => Consent::Granted,
        1 => Consent::Denied,
        _ => Consent::Pending,
    }
}

/// Takes a new call → `core::TrackResult`.
#[wasm_bindgen]
pub fn track(now_ms: f64, id: u32, identify: bool, name_chars: u32, bytes: u32, overhead: u32, envelope: u32) -> i32 {
    let call = Call { id, kind: kind(identify), name_chars, bytes, overhead, envelope };
    answer(|core| core.track(now_ms, call, &mut Host) as i32)
}

/// The host could not persist this call.
#[wasm_bindgen(js_name = persistFailed)]
pub fn persist_failed(id: u32) {
    with(|core| core.persist_failed(id));
}

/// Takes a call that an earlier page persisted. It is not sent for `handed_over_ms`.
#[wasm_bindgen]
pub fn restore(now_ms: f64, id: u32, identify: bool, bytes: u32, overhead: u32, envelope: u32, handed_over_ms: f64) {
    let item = Item { id, kind: kind(identify), bytes, overhead, envelope, memory_only: false, state: State::Waiting };
    with(|core| core.restore(now_ms, item, handed_over_ms, &mut Host));
}

/// Removes a call that another page has adopted.
#[wasm_bindgen]
pub fn forget(id: u32) {
    with(|core| core.forget(id));
}

/// The visitor has decided (`core::Consent`).
#[wasm_bindgen]
pub fn consent(now_ms: f64, decision: u32) {
    with(|core| core.consent(now_ms, consent_of(decision), &mut Host));
}

/// Makes the waiting calls due now.
#[wasm_bindgen]
pub fn flush(now_ms: f64) {
    with(|core| core.flush(now_ms));
}

/// The network is there or gone.
#[wasm_bindgen]
pub fn online(now_ms: f64, online: bool) {
    with(|core| core.online(now_ms, online));
}

/// Does what is due.
#[wasm_bindgen]
pub fn wake(now_ms: f64) {
    with(|core| core.wake(now_ms, &mut Host));
}

/// When to call `wake` next (Infinity: never; not a number: this core is unusable).
#[wasm_bindgen]
pub fn next() -> f64 {
    core().map_or(f64::NAN, |core| core.next())
}

/// The page is hidden; with `leaving` it may never be shown again.
#[wasm_bindgen]
pub fn hide(now_ms: f64, leaving: bool) {
    with(|core| core.hide(now_ms, leaving, &mut Host));
}

/// An answer arrived → 0 delivered, 1 retry, 2 refused, 3 too late.
#[wasm_bindgen]
pub fn answered(now_ms: f64, request: u32, status: u32, from_trackmate: bool, retry_after_ms: f64) -> i32 {
    answer(|core| {
        let verdict = core.answered(now_ms, request, (status, from_trackmate), retry_after_ms, &mut Host);
        verdict.map_or(3, |verdict| verdict as i32)
    })
}

/// How far the delivery of the calls up to `id` is → `core::Progress`.
#[wasm_bindgen]
pub fn progress(now_ms: f64, id: u32) -> i32 {
    answer(|core| core.progress(now_ms, id) as i32)
}

/// What a call does to the stored session (`started_s` 0: there is none) →
/// `session::SessionChange`. `campaign` is that of the page's entry URL, as a hash.
#[wasm_bindgen(js_name = sessionChange)]
pub fn session_change(now_s: u32, campaign: u32, started_s: u32, last_s: u32, stored_campaign: u32) -> i32 {
    session::StoredSession { started_s, last_s, campaign: stored_campaign }.change_at(now_s, campaign) as i32
}

/// Whether the server accepts a context of so many bytes.
#[wasm_bindgen(js_name = contextFits)]
pub fn context_fits(context_bytes: u32) -> i32 {
    i32::from(context_bytes <= limits::CONTEXT_BYTES_MAX as u32)
}
