//! What happens after the answer, from the queues and by the clock: attempts at deliveries, their settling, the sweep, the catalogue's tally, and what was
//! kept while D1 was down.

pub mod deliver;
pub mod flight;
pub mod pace;
pub(crate) mod refill;
pub mod settle;
pub mod sweep;
pub mod tally;
pub mod wake;

mod notice;
