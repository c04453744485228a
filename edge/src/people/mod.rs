//! Changes of people: edits, merges and their undo, proof of identity.

pub(crate) mod edit;
pub(crate) mod identity_proof;
pub(crate) mod merge;
pub(crate) mod turn;
