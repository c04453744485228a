//! Cloudflare's runtime, and nothing of what TrackMate is for: random numbers, secrets.

pub mod clock;
pub(crate) mod context;
pub(crate) mod isolate;
pub mod random;
pub mod secrets;
