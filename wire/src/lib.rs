//! What crosses the network: limits, identifiers, problem codes with what is said of them, and signatures, shared by the Worker, the SDK and the tools.
//!
//! Nothing here does I/O, reads a clock or makes a random number; callers pass those in.

pub mod catalogue;
pub mod hex;
pub mod ids;
pub mod limits;
pub mod problem;
pub mod signature;
