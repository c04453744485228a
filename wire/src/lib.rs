//! What crosses the network: limits, identifiers, problem codes with their explanations, and
//! signatures. The Worker, the SDK and the tools share it.
//!
//! Nothing here does I/O, reads a clock or makes a random number; callers pass those in.

pub mod catalogue;
pub mod hex;
pub mod ids;
pub mod limits;
pub mod problem;
pub mod signature;
