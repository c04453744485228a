//! Routes that pages call, without a key.

pub(crate) mod contacts;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod profile;
pub(crate) mod visitor_cookie;
