//! From the outbox to the customers' receivers: attempts, their results, wake-ups and limits.

pub mod client;
pub mod concurrency;
pub mod dispatch;
pub mod settle;
pub mod throttle;
pub mod wakeup;

mod operational_event;
