//! Requests with events or identifies: commands that are parsed, validated and stored.

pub(crate) mod admission;
pub(crate) mod alias;
pub(crate) mod answer;
pub(crate) mod browser;
pub(crate) mod context;
pub(crate) mod identify;
mod known_keys;
mod one_trip;
pub(crate) mod outage_buffer;
pub(crate) mod outcome_log;
pub(crate) mod owner;
pub(crate) mod plan_check;
pub(crate) mod server;
pub(crate) mod vendor;
pub(crate) mod violation_counts;
