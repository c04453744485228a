//! What serde does not know of the types: required fields, bounds and closed lists. Each refinement
//! is a JSON merge patch of the schema with its name. A patch of a field that the type does not
//! have fails the tests.

mod company;
mod events;
mod people;
mod webhooks;

use serde_json::Value;

/// All refinements, as merge patches by the name of the schema.
pub(crate) fn refinements() -> Vec<(&'static str, Value)> {
    [events::refinements(), people::refinements(), webhooks::refinements(), company::refinements()].concat()
}
