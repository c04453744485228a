//! The filters and the order of a list of users, and the words of a search as an FTS5 expression.

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

/// The FTS5 expression that finds a company's people by these words, each of which begins a word of
/// the person. `None` if the search contains no letter or digit.
#[must_use]
pub fn expression(company: &str, search: &str) -> Option<String> {
    // A quoted word cannot contain syntax.
    let quoted = |word: &str| format!("\"{}\"", word.replace('"', "\"\""));
    let words: Vec<String> = search
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(|word| format!("{}*", quoted(word)))
        .collect();
    (!words.is_empty()).then(|| format!("company : {} AND text : ({})", quoted(company), words.join(" AND ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_words_are_quoted_so_they_cannot_contain_syntax() {
        let found = expression("TM-1", " ada  NOT \"b* - o'x ").unwrap();
        assert_eq!(found, r#"company : "TM-1" AND text : ("ada"* AND "NOT"* AND """b*"* AND "o'x"*)"#);
        assert_eq!(expression("TM-1", " - \" "), None);
        // FTS5 reads an expression up to its first NUL, so a NUL would leave a quote open.
        assert_eq!(expression("TM-1", "\0a\0b\u{1}"), expression("TM-1", "a b"));
        assert_eq!(expression("TM-1", "\0"), None);
    }
}
