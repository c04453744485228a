//! The SDK's limits, each with its unit and its reason. Limits that the server enforces come from
//! `wire`.

use trackmate_wire::limits;
pub(crate) use trackmate_wire::limits::{CONTEXT_BYTES_MAX, EVENT_BYTES_MAX, EVENT_NAME_CHARS_MAX};

/// A batch is sent when this many events wait, unless `init` sets another number …
pub(crate) const BATCH_EVENTS: u32 = 20;
/// … and no request was sent for this long, so that a page that tracks without pause sends one
/// request a second. Milliseconds, like all times here.
pub(crate) const BATCH_INTERVAL_MS: f64 = 1_000.0;
/// A batch is also sent when its oldest event has waited this long, unless `init` sets another
/// time.
pub(crate) const FLUSH_MS: f64 = 5_000.0;
/// Most events of one request, whatever `init` sets.
pub(crate) const BATCH_EVENTS_MAX: u32 = limits::BATCH_EVENTS_MAX as u32;
/// Most calls in the queue; the oldest are dropped. A day of browsing has a few hundred.
pub(crate) const QUEUE_ITEMS_MAX: usize = 1_000;
/// Most bytes of the calls in the queue. localStorage has about 5 MB for the whole origin, and the
/// site needs most of them.
pub(crate) const QUEUE_BYTES_MAX: u32 = 1_000_000;

/// Most bytes in flight in requests that outlive their page. Browsers allow 64 KiB, which the
/// page's other requests of this kind share.
pub(crate) const KEEPALIVE_BYTES_MAX: u32 = 60_000;
/// Largest body of a request while the page stays, as any request may have to outlive it.
pub(crate) const REQUEST_BYTES_MAX: u32 = KEEPALIVE_BYTES_MAX;
/// Largest body when the page is left. It is small, so that requests use up the rest of the 64 KiB
/// and a refused one loses little.
pub(crate) const HAND_OVER_BYTES_MAX: u32 = 15_000;
const _: () = assert!(EVENT_BYTES_MAX + CONTEXT_BYTES_MAX + 1_000 <= REQUEST_BYTES_MAX as usize);
const _: () = assert!(REQUEST_BYTES_MAX as usize <= limits::BODY_BYTES_MAX);
/// Most requests in flight: one while the page stays, several when it is left.
pub(crate) const IN_FLIGHT_MAX: usize = 8;

/// A session ends after this time without a call: half an hour, as usual in web analytics. Seconds.
pub(crate) const SESSION_IDLE_S: u32 = 30 * 60;
/// A session ends at this age in any case, so that a tab that is open for weeks is not one session.
pub(crate) const SESSION_AGE_MAX_S: u32 = 24 * 60 * 60;
/// The time of the last call is stored this often, to avoid a write for each call.
pub(crate) const SESSION_SAVE_INTERVAL_S: u32 = 10;

/// A request without an answer counts as lost after this time. A late answer is ignored, and the
/// server recognises the repeated calls.
pub(crate) const ANSWER_MS_MAX: f64 = 30_000.0;
/// Calls that a page handed over when it was left have no answer. They are sent again after this
/// time.
pub(crate) const HANDED_OVER_MS: f64 = 10_000.0;
/// Backoff after the first failure. It doubles with each further one.
pub(crate) const RETRY_FIRST_MS: f64 = 1_000.0;
/// Longest backoff.
pub(crate) const RETRY_MS_MAX: f64 = 5.0 * 60.0 * 1_000.0;
/// Longest `Retry-After` that is respected. A longer one is probably a mistake.
pub(crate) const RETRY_AFTER_MS_MAX: f64 = 60.0 * 60.0 * 1_000.0;
