//! The rules. Nothing here names the runtime, SQL or the time: `now` and random numbers are arguments.

pub mod audit;
pub mod belongings;
pub mod circuit;
pub mod clock;
pub mod csv;
pub mod delivery;
pub mod edit;
pub mod event;
pub mod export;
pub mod group;
pub mod known;
pub mod ledger;
pub mod listing;
pub mod own;
pub mod payload;
pub mod person;
pub mod plan;
pub mod record;
pub mod revenue;
pub mod stats;
pub mod target;
pub mod timeline;
pub mod tombstone;
pub mod vault;
