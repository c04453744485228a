//! Work that a timer or a queue starts: the sweep, and storing what the outage buffer holds.

pub(crate) mod drain_outage_buffer;
pub mod sweep;
