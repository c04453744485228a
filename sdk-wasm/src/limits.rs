//! Every number the SDK decides with, each with its unit and its reason. What the server enforces too is the server's number.

pub(crate) use trackmate_wire::limits::{BATCH_EVENTS_MAX, EVENT_BYTES_MAX, EVENT_NAME_CHARS_MAX};

/// Largest request body. Browsers let requests that outlive their page carry 64 KiB in all; every request here may have to.
pub(crate) const REQUEST_BYTES_MAX: usize = 60_000;
const _: () = assert!(REQUEST_BYTES_MAX <= trackmate_wire::limits::BODY_BYTES_MAX);
/// A batch goes out when this many events wait, unless `init` says otherwise.
pub(crate) const BATCH_SIZE: usize = 20;
/// ... or when the oldest has waited this long, unless `init` says otherwise.
pub(crate) const FLUSH_INTERVAL_MS: u64 = 1_000;
/// Most calls kept while the server cannot be reached; the oldest give way. A day of browsing is a few hundred.
pub(crate) const QUEUE_ITEMS_MAX: usize = 1_000;
/// ... and most bytes of them: localStorage holds about 5 MB for the whole origin, and most of that is the site's.
pub(crate) const QUEUE_BYTES_MAX: usize = 1_000_000;

/// A visit ends after this long without a call: the half hour web analytics has settled on.
pub(crate) const SESSION_IDLE_MS: u64 = 30 * 60 * 1_000;
/// ... and at this age in any case, so that a tab left open for weeks is not one visit.
pub(crate) const SESSION_AGE_MAX_MS: u64 = 24 * 60 * 60 * 1_000;

/// A request without an answer after this long counts as lost; its late answer is ignored, its repeat is recognised by the server.
pub(crate) const ANSWER_WAIT_MAX_MS: u64 = 30_000;
/// Wait after the first failure; it doubles with each further one.
pub(crate) const RETRY_FIRST_MS: u64 = 1_000;
/// Longest wait of our own making.
pub(crate) const RETRY_MAX_MS: u64 = 5 * 60 * 1_000;
/// Longest `Retry-After` that is obeyed; a larger one is more likely a mistake than a wish.
pub(crate) const RETRY_AFTER_MAX_MS: u64 = 60 * 60 * 1_000;
/// After this many failures in a row, `identify` tells its caller that the server cannot be reached (about 15 s).
pub(crate) const IDENTIFY_FAILURES_MAX: u32 = 5;
