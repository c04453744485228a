//! A user in lists and exports, with the included records.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::belongings::Belongings;
use crate::domain::person::{Person, User};

/// A user with what was asked for of what is theirs.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct UserWith {
    #[serde(flatten)]
    user: User,
    #[serde(flatten)]
    belongings: Option<Belongings>,
}

/// Joins each user with their included records.
pub(crate) fn with(people: &[Person], mut belongings: BTreeMap<String, Belongings>) -> Vec<UserWith> {
    people.iter().map(|p| UserWith { user: p.user(), belongings: belongings.remove(&p.id) }).collect()
}
