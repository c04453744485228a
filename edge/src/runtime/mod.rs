//! Cloudflare's runtime, without any of TrackMate's rules: clock, context, counters,
//! messages of moves, random numbers, secrets.

pub mod clock;
pub(crate) mod context;
pub(crate) mod counters;
pub(crate) mod isolate;
pub(crate) mod move_queue;
pub(crate) mod queue;
pub mod random;
pub mod secrets;
