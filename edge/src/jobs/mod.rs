//! What a timer or a queue starts: the sweep, and storing what was buffered while D1 was down.

pub(crate) mod drain_outage_buffer;
pub mod sweep;
