//! Routes that a company's admins call, with a key of scope `admin`.

pub(crate) mod catalog;
pub(crate) mod deliveries;
pub(crate) mod erasures;
pub(crate) mod event_stream;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod exports;
pub(crate) mod groups;
pub(crate) mod identities;
pub(crate) mod keys;
pub(crate) mod plan;
pub(crate) mod records;
pub(crate) mod settings;
pub(crate) mod stats;
pub(crate) mod timeline;
pub(crate) mod user_edits;
pub(crate) mod user_list;
pub(crate) mod users;
pub(crate) mod webhook_change;
pub(crate) mod webhook_find;
pub(crate) mod webhooks;
