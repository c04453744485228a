//! Cloudflare's runtime, without any of TrackMate's rules: clock, context, counters,
//! random numbers, secrets.

pub mod clock;
pub(crate) mod context;
pub(crate) mod counters;
pub(crate) mod isolate;
pub mod random;
pub mod secrets;
