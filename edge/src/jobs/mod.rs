//! What happens after the answer, from the queue and by the clock: attempts at deliveries, their settling, the sweep, the tallies of the catalogue and of plans.

pub mod deliver;
pub mod flight;
pub mod pace;
pub mod settle;
pub mod sweep;
pub mod tally;
pub mod violations;
pub mod wake;

mod notice;
