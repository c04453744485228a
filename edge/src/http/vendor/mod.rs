//! Routes that other vendors' clients call.

pub(crate) mod write_key;
