//! Delivers the outbox to the customers' receivers: attempts, their results, wake-ups and limits.

pub mod attempt;
pub mod attempt_result;
pub mod client;
pub mod concurrency;
pub mod dispatch;
pub(crate) mod operator_webhook;
pub mod recover;
pub mod settle;
pub mod sign;
pub mod throttle;
pub mod wakeup;

mod operational_event;
