//! Exports: long answers that are streamed page by page.

pub(crate) mod run;
pub(crate) mod user;
