//! A user in lists and exports, with the included records.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::person::{Person, User};
use crate::domain::person_records::PersonRecords;

/// A user with what was asked for of what is theirs.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct UserWith {
    #[serde(flatten)]
    user: User,
    #[serde(flatten)]
    records: Option<PersonRecords>,
}

/// Joins each user with their included records.
pub(crate) fn with(people: &[Person], mut records: BTreeMap<String, PersonRecords>) -> Vec<UserWith> {
    people.iter().map(|p| UserWith { user: p.user(), records: records.remove(&p.id) }).collect()
}
