//! Work without a caller: attempts at deliveries, and the sweep that finds what was left behind.
//!
//! A queue message is a hint: D1 says what is due. Every job may run twice, late, or never, and nothing is lost.

pub mod deliver;
mod notice;
pub mod sweep;
pub mod wake;
