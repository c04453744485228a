//! The rules. Nothing here uses the runtime, SQL or a clock: the time and random numbers are
//! arguments.

pub mod audit;

pub mod bot;
pub mod circuit;
pub mod clock;
pub mod compat;
pub mod csv;
pub mod delivery;
pub mod edit;
pub mod event;
pub mod export;
pub mod groups;
pub mod incoming;
pub mod json;
pub mod known;
pub mod ledger;
pub mod lenient;
pub mod listing;
pub mod merge_tree;
pub mod metrics;
pub mod origin;
pub mod outage;
pub mod payload;
pub mod person;
pub mod person_records;
pub mod plan;
pub mod rebuild;
pub mod record;
pub mod request_body;
pub mod revenue;
pub mod secret;
pub mod source;
pub mod stats;
pub mod target;
pub mod timeline;
pub mod tombstone;
pub mod trusted_data;
pub mod vault;
