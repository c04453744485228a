//! D1: one module per group of tables. SQL is only in `sql/` and the migrations.
//!
//! Every function takes a company id. Exceptions carry a comment with the reason: a key is found by
//! its hash, and the sweep serves all companies of a cell.

pub mod aliases;
mod answer;
pub mod audit;
pub mod backup;
pub mod catalog;
pub mod cells;
pub mod companies;
mod cost;
mod db;
pub mod deliveries;
pub mod delivery_log;
pub mod directory;
pub mod edits;
pub mod erasures;
pub mod exports;
pub mod groups;
pub mod idempotency;
pub mod identify;
pub mod identity_keys;
pub mod incoming;
pub mod ingest;
pub mod listing;
pub mod merge;
pub mod metrics;
pub mod moves;
pub mod moving;
mod new_events;
pub mod outbox;
mod param;
pub mod people;
pub mod plans;
pub mod progress;
pub mod rebuild;
pub mod records;
pub mod request;
pub mod restore_end;
pub mod retention;
pub mod schema;
pub mod server_batch;
pub mod settle;
pub mod slices;
pub mod sql;
mod stamp;
pub mod stats;
pub mod subscriptions;
pub mod timeline;
pub mod undo;

pub use answer::{Answer, Answers, Batch, Page, Result, Slot, brief};
pub use cost::Cost;
pub use db::{Db, cell, database, database_of_key, replica, take_turn, total};
pub use param::{Bound, Param, Statement, list_bytes};
pub use stamp::ChangeStamp;
