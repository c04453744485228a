//! Every bound of the system in one place, each with its unit in the name and its reason beside it.

/// Bytes of one request body, before and after gunzip. One D1 parameter may hold 2 MB; a batch takes part of it.
pub const BODY_BYTES_MAX: usize = 500 * 1024;
/// Bytes of one event as sent. What Segment accepts, and far below D1's row limit.
pub const EVENT_BYTES_MAX: usize = 32 * 1024;
/// Events of one request. 500 rows of ~150 B stay well inside one D1 batch.
pub const BATCH_EVENTS_MAX: usize = 500;
/// Characters of an event's name.
pub const EVENT_NAME_CHARS_MAX: usize = 200;
/// Nesting of an event's data. `SQLite` itself stops at 1000; nobody sends more than a handful by intent.
pub const JSON_DEPTH_MAX: usize = 32;
/// Bytes of a batch's shared `context`, which is stored with each of its events.
pub const CONTEXT_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a message id.
pub const MESSAGE_ID_BYTES_MAX: usize = 128;
/// Bytes of a session id.
pub const SESSION_ID_BYTES_MAX: usize = 128;
/// Bytes of an e-mail address (RFC 5321: a path of 256 octets less its brackets).
pub const EMAIL_BYTES_MAX: usize = 254;
/// Characters of a person's or a company's name.
pub const NAME_CHARS_MAX: usize = 200;
/// Bytes of the traits of one identify.
pub const TRAITS_BYTES_MAX: usize = EVENT_BYTES_MAX;

/// Milliseconds of difference between a sender's clock and ours from which its times are corrected.
/// Below it the difference is mostly the journey of the request, and correcting would reorder events.
pub const CLOCK_SKEW_MS_MIN: i64 = 55 * 60 * 1000;
/// Milliseconds an event may lie in the future before its own time is put aside for the time of arrival.
pub const FUTURE_MS_MAX: i64 = 24 * 60 * 60 * 1000;

/// Items of one page of a list, unless asked for.
pub const PAGE_ITEMS: usize = 50;
/// Items of one page of a timeline at most.
pub const TIMELINE_ITEMS_MAX: usize = 500;
/// Items of one page of users at most (seed 003).
pub const USERS_ITEMS_MAX: usize = 1000;
/// Deliveries shown with one subscription (seed 003).
pub const DELIVERIES_SHOWN_MAX: usize = 50;

/// Subscriptions of one company: each costs a pattern match per accepted event.
pub const SUBSCRIPTIONS_MAX: usize = 100;
/// Event patterns of one subscription.
pub const PATTERNS_MAX: usize = 100;
/// Event types that a company may count as revenue.
pub const REVENUE_EVENTS_MAX: usize = 20;
/// Allowed origins of one company.
pub const ORIGINS_MAX: usize = 100;
/// Bytes of a subscription's URL.
pub const URL_BYTES_MAX: usize = 2048;

/// Attempts of one delivery at most, whatever a subscription asks for.
pub const RETRY_ATTEMPTS_MAX: u32 = 50;
/// Seconds a retry may wait: a Queue message is delayed by at most 24 h, kept below 12 h for older accounts.
pub const RETRY_DELAY_S_MAX: u32 = 12 * 60 * 60;
/// Milliseconds that one attempt may take, from connect to the end of the answer.
pub const TIMEOUT_MS_MAX: u32 = 30_000;
/// Milliseconds of an attempt unless the subscription says otherwise (seed 003).
pub const TIMEOUT_MS: u32 = 10_000;
/// Bytes of a receiver's answer that are read and kept.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Milliseconds that a claim outlives the attempt's own timeout, for the D1 calls around it.
pub const LEASE_MARGIN_MS: i64 = 15_000;
/// First attempts made in the request's own tail. A free-plan invocation has 50 subrequests; an attempt takes up to five.
pub const FIRST_ATTEMPTS_MAX: usize = 8;
/// Messages of one call to Queues (its own limit).
pub const QUEUE_BATCH_MAX: usize = 100;
/// Wake-ups of one sweep: ten calls to Queues, and what is left is the next sweep's.
pub const SWEEP_DELIVERIES_MAX: usize = 1000;
/// Milliseconds that a wake-up may come before its time and still count: clocks of two machines differ.
pub const EARLY_MS_MAX: i64 = 1000;

/// Milliseconds between two notes of a key's last use: a row written an hour, not a row a request.
pub const KEY_USE_MS: i64 = 60 * 60 * 1000;
