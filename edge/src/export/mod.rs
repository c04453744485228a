//! Exports: long answers, written page by page.

pub(crate) mod run;
pub(crate) mod user;
