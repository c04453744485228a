//! Routes that customers' servers cx, with a key of scope `server`.

pub(crate) mod events;
