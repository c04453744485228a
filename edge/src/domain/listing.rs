//! The filters and the order of a list of users.

use std::collections::BTreeMap;

use serde::Serialize;

/// The sort keys. Without one, a list is in the order of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Sort {
    /// Creation time.
    CreatedAt,
    /// Time of the last change.
    UpdatedAt,
    /// First name, where A–Z equal a–z.
    FirstName,
    /// Last name, where A–Z equal a–z.
    LastName,
}

impl Sort {
    /// Finds a sort key by its name in the API.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::CreatedAt, Self::UpdatedAt, Self::FirstName, Self::LastName].into_iter().find(|s| s.as_str() == name)
    }

    /// The sort key's name in the API and in the statements.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreatedAt => "createdAt",
            Self::UpdatedAt => "updatedAt",
            Self::FirstName => "firstName",
            Self::LastName => "lastName",
        }
    }
}

/// The filters and the order of a list. A user must meet all filters.
#[derive(Debug, Default, Serialize)]
pub struct Wanted {
    /// Created at or after this time, ms.
    pub created_from: Option<i64>,
    /// Created before this time, ms.
    pub created_before: Option<i64>,
    /// Changed at or after this time, ms.
    pub updated_from: Option<i64>,
    /// Has all of these tags.
    pub tags: Vec<String>,
    /// Has all of these custom fields with these values.
    pub fields: BTreeMap<String, String>,
    /// Has opted in on this platform.
    pub opted_in: Option<String>,
    /// Has consented to being exported.
    pub consented: bool,
    /// Words, each of which begins a word of the user.
    pub search: Option<String>,
    /// The sort key.
    pub sort: Option<Sort>,
    /// Whether the order is descending.
    pub descending: bool,
}
