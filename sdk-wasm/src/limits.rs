//! Every number the SDK decides with, each with its unit and its reason. What the server enforces too is the server's number.

use trackmate_wire::limits;
pub(crate) use trackmate_wire::limits::{CONTEXT_BYTES_MAX, EVENT_BYTES_MAX, EVENT_NAME_CHARS_MAX};

/// A batch goes out when this many events wait, unless `init` says otherwise.
pub(crate) const BATCH_EVENTS: u32 = 20;
/// ... if no request has gone out for this long: a page that tracks without end makes one a second, not dozens. Milliseconds, like all times here.
pub(crate) const BATCH_INTERVAL_MS: f64 = 1_000.0;
/// ... or when the oldest has waited this long, unless `init` says otherwise.
pub(crate) const FLUSH_MS: f64 = 5_000.0;
/// Events of one request at most, whatever `init` says.
pub(crate) const BATCH_EVENTS_MAX: u32 = limits::BATCH_EVENTS_MAX as u32;
/// Most calls kept while the server cannot be reached; the oldest give way. A day of browsing is a few hundred.
pub(crate) const QUEUE_ITEMS_MAX: usize = 1_000;
/// ... and most bytes of them: localStorage holds about 5 MB for the whole origin, and most of that is the site's.
pub(crate) const QUEUE_BYTES_MAX: u32 = 1_000_000;

/// Bytes that may be on their way in requests that outlive their page. Browsers allow 64 KiB, shared with whatever else the
/// page sends that way.
pub(crate) const KEEPALIVE_BYTES_MAX: u32 = 60_000;
/// Largest body of a request while the page stays: any request may have to outlive it.
pub(crate) const REQUEST_BYTES_MAX: u32 = KEEPALIVE_BYTES_MAX;
/// ... and when it goes: small enough that what is left of the shared 64 KiB is used up, and a refusal costs little.
pub(crate) const HAND_OVER_BYTES_MAX: u32 = 15_000;
const _: () = assert!(EVENT_BYTES_MAX + CONTEXT_BYTES_MAX + 1_000 <= REQUEST_BYTES_MAX as usize);
const _: () = assert!(REQUEST_BYTES_MAX as usize <= limits::BODY_BYTES_MAX);
/// Requests on their way at a time: one while the page stays, several when it goes.
pub(crate) const IN_FLIGHT_MAX: usize = 8;

/// A visit ends after this long without a call: the half hour web analytics has settled on. Seconds.
pub(crate) const SESSION_IDLE_S: u32 = 30 * 60;
/// ... and at this age in any case, so that a tab left open for weeks is not one visit.
pub(crate) const SESSION_AGE_MAX_S: u32 = 24 * 60 * 60;
/// The last call is noted this exactly, to spare the storage a write per call.
pub(crate) const SESSION_SAVE_INTERVAL_S: u32 = 10;

/// A request without an answer after this long counts as lost; its late answer is ignored, its repeat is recognised by the server.
pub(crate) const ANSWER_MS_MAX: f64 = 30_000.0;
/// What was handed over by a page that went (and so had no answer) is left alone this long before it is sent again.
pub(crate) const HANDED_OVER_MS: f64 = 10_000.0;
/// Wait after the first failure; it doubles with each further one.
pub(crate) const RETRY_FIRST_MS: f64 = 1_000.0;
/// Longest wait of our own making.
pub(crate) const RETRY_MS_MAX: f64 = 5.0 * 60.0 * 1_000.0;
/// Longest `Retry-After` that is obeyed; a larger one is more likely a mistake than a wish.
pub(crate) const RETRY_AFTER_MS_MAX: f64 = 60.0 * 60.0 * 1_000.0;
