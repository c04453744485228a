//! The rules of the domain against what applies them: the SQL on the real schema, and the state
//! machine of deliveries under schedules of faults. One program, so that it is built and linked
//! once: `cargo test --test rules ledger` runs the tests of a file.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first surprise"
)]

mod backup;
mod catalog;
mod deliveries;
mod delivery;
mod delivery_rows;
mod erasure;
mod fence;
mod groups;
mod idempotency;
mod identity;
mod incoming;
mod ledger;
mod metrics;
mod moving;
mod new_events;
mod plans;
mod records;
mod schema;
mod schema_sql;
mod search;
mod server;
mod slices;
mod stats;
mod sweep;
mod timeline;
mod turns;
mod webhooks;
