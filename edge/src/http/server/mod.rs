//! Routes that customers' servers call, with a key of scope `server`.

pub(crate) mod events;
