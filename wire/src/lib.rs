//! What crosses the network: limits, identifiers, problem codes with their explanations,
//! signatures, and requests and answers of the admin API. The Worker, the SDK and the tools share
//! it.
//!
//! Nothing here does I/O, reads a clock or makes a random number; callers pass those in.

#[cfg(feature = "api")]
pub mod api;
pub mod catalogue;
pub mod hex;
pub mod ids;
pub mod limits;
pub mod problem;
pub mod signature;
