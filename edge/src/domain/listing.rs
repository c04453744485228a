//! What a list of users may be asked for: filters, order, and the words of a search as an FTS5
//! expression.

use std::collections::BTreeMap;

use serde::Serialize;

/// What to sort by. Without one a list is in the order of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Sort {
    /// When they came to be.
    CreatedAt,
    /// When they last changed.
    UpdatedAt,
    /// First name, letters A–Z and a–z alike.
    FirstName,
    /// Last name, likewise.
    LastName,
}

impl Sort {
    /// By its name in the API.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::CreatedAt, Self::UpdatedAt, Self::FirstName, Self::LastName].into_iter().find(|s| s.as_str() == name)
    }

    /// Its name in the API and in the statements.
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

/// Whom a list is of, and in which order. All that is given must be true of a user.
#[derive(Debug, Default, Serialize)]
pub struct Wanted {
    /// Made at or after, ms.
    pub created_from: Option<i64>,
    /// Made before, ms.
    pub created_before: Option<i64>,
    /// Changed at or after, ms.
    pub updated_from: Option<i64>,
    /// Has all of these.
    pub tags: Vec<String>,
    /// Has all of these with these values.
    pub fields: BTreeMap<String, String>,
    /// Has opted in there.
    pub opted_in: Option<String>,
    /// Has consented to being exported.
    pub consented: bool,
    /// Words, each the beginning of one of the user's.
    pub search: Option<String>,
    /// The order.
    pub sort: Option<Sort>,
    /// The other way round.
    pub descending: bool,
}

/// The FTS5 expression that finds a company's people by these words, each as the beginning of one
/// of theirs; `None` if there is no letter or digit to find.
#[must_use]
pub fn expression(company: &str, search: &str) -> Option<String> {
    // Quoted, a word is no syntax, whatever is in it.
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
    fn words_are_quoted_so_that_none_is_syntax() {
        let found = expression("TM-1", " ada  NOT \"b* - o'x ").unwrap();
        assert_eq!(found, r#"company : "TM-1" AND text : ("ada"* AND "NOT"* AND """b*"* AND "o'x"*)"#);
        assert_eq!(expression("TM-1", " - \" "), None);
        // FTS5 reads an expression up to its first NUL, which would leave a quote open.
        assert_eq!(expression("TM-1", "\0a\0b\u{1}"), expression("TM-1", "a b"));
        assert_eq!(expression("TM-1", "\0"), None);
    }
}
