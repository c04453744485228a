//! Work that a timer or a queue starts: the sweep with its gauges, moves of companies, and
//! storing what the outage buffer holds.

pub(crate) mod drain_outage_buffer;
pub(crate) mod gauges;
pub mod mover;
pub mod sweep;
