//! Changes of people: edits, merges and their undo, erasures; keys and proofs of identity.

pub(crate) mod edit;
pub(crate) mod erase;
pub(crate) mod find;
pub(crate) mod identity_key;
pub(crate) mod identity_proof;
pub(crate) mod merge;
pub(crate) mod turn;
pub(crate) mod undo;
