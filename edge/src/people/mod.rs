//! Changes of people: edits, merges and their undo, erasures; identity keys and identity proofs.

pub(crate) mod conflict;
pub(crate) mod edit;
pub(crate) mod erase;
pub(crate) mod find;
pub(crate) mod identity_key;
pub(crate) mod identity_proof;
pub(crate) mod merge;
pub(crate) mod person_lock;
pub(crate) mod undo;
