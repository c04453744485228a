//! The API through which an event came. This file alone knows how tables, answers and payloads
//! write it.

use serde::{Deserialize, Serialize};

/// The API through which an event came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub enum Source {
    /// The browser's: anyone can send events to it.
    #[default]
    Browser,
    /// The server API: it takes a secret key.
    Server,
}

impl Source {
    /// In the order of their numbers.
    pub const ALL: [Self; 2] = [Self::Browser, Self::Server];

    /// The names in `door`.
    pub const DOORS: [&'static str; 2] = [Self::Browser.door(), Self::Server.door()];

    /// Its number in tables and cursors.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Browser => 0,
            Self::Server => 1,
        }
    }

    /// By its number; `None` if no source has it.
    #[must_use]
    pub fn of(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.number() == number)
    }

    /// Its name in the API's `door`.
    #[must_use]
    pub const fn door(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Server => "server",
        }
    }

    /// By its name in `door`.
    #[must_use]
    pub fn of_door(door: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.door() == door)
    }

    /// Its name in the `source` of payloads, timelines and exports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Server => "webhook",
        }
    }

    /// By its name in `source`.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }

    /// The source that is shown for an event. An event that a server sent for a browser's session
    /// is stored as a browser's event with a mark (column `told`).
    #[must_use]
    pub const fn shown(self, sent_by_server: bool) -> Self {
        if sent_by_server { Self::Server } else { self }
    }

    /// Whether it is the server API.
    #[must_use]
    pub const fn is_server(self) -> bool {
        matches!(self, Self::Server)
    }
}

impl From<i64> for Source {
    fn from(number: i64) -> Self {
        Self::of(number).unwrap_or_default()
    }
}

impl From<Source> for i64 {
    fn from(source: Source) -> Self {
        source.number()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_can_be_read_from_each_of_its_forms() {
        for source in Source::ALL {
            assert_eq!(Source::of(source.number()), Some(source));
            assert_eq!(Source::of_door(source.door()), Some(source));
            assert_eq!(Source::of_name(source.name()), Some(source));
            let number = serde_json::to_string(&source).unwrap();
            assert_eq!(number, source.number().to_string());
            assert_eq!(serde_json::from_str::<Source>(&number).unwrap(), source);
        }
        assert_eq!((Source::of(2), Source::of_door("webhook"), Source::of_name("server")), (None, None, None));
    }
}
