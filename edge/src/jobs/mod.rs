//! What happens after the answer, from the queues and by the clock: attempts at deliveries, their settling, the sweep, the tallies of the catalogue and of
//! plans, and what was kept while D1 was down.

pub mod deliver;
pub mod flight;
pub mod pace;
pub(crate) mod refill;
pub mod settle;
pub mod sweep;
pub mod violations;
pub mod wake;

mod notice;
