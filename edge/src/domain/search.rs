//! The words of a search for people, and those of the people. A word is what stands between signs,
//! in lower case and without accents. All texts here are in Unicode's form NFD, where an accent is
//! a character of its own.

use std::collections::BTreeSet;

use serde::Serialize;

/// Whether a character is an accent that a search ignores: Unicode's blocks of combining marks.
const fn is_accent(c: char) -> bool {
    matches!(c as u32, 0x300..=0x36f | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe20..=0xfe2f)
}

/// The words of a text with one space between them, at most so many of them.
#[must_use]
pub fn words(nfd: &str, most: usize) -> String {
    let text: String = nfd.chars().filter(|c| !is_accent(*c)).flat_map(char::to_lowercase).collect();
    // The two small sigmas of Greek are one letter, whose form depends on its place.
    let text = text.replace('ς', "σ");
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.take(most).collect::<Vec<_>>().join(" ")
}

/// A search as its statement takes it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Search {
    /// The index is read from this word …
    pub from: String,
    /// … to this one, which no longer matches.
    pub to: String,
    /// What the words of a person must also contain, after a space. Nothing, if the range decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phrases: Option<BTreeSet<String>>,
}

/// Reads a search. What stands between spaces is a phrase: its words stand in a person's words in
/// this order, and the last one may be the beginning of a word. A person must have all phrases.
/// `None` if the search contains no letter or digit.
#[must_use]
pub fn search(nfd: &str) -> Option<Search> {
    let parts = nfd.split(|c: char| c.is_whitespace() || c.is_control());
    let phrases: BTreeSet<String> = parts
        .map(|part| words(part, usize::MAX))
        .filter(|phrase| !phrase.is_empty())
        .map(|phrase| format!(" {phrase}"))
        .collect();
    // The longest word is on few people, usually.
    let ends = |phrase: &str| {
        let count = phrase.split(' ').count();
        phrase.split(' ').enumerate().map(|(n, word)| (word.to_owned(), n + 1 == count)).collect::<Vec<_>>()
    };
    let (word, is_beginning) =
        phrases.iter().flat_map(|phrase| ends(phrase)).max_by_key(|(word, _)| word.chars().count())?;
    // A word has neither a space nor the last character of Unicode.
    let to = format!("{word}{}", if is_beginning { char::MAX } else { ' ' });
    let is_decided = phrases.len() == 1 && phrases.first().is_some_and(|phrase| phrase.split(' ').count() == 2);
    Some(Search { from: word, to, phrases: (!is_decided).then_some(phrases) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_lower_case_and_without_signs_and_accents() {
        assert_eq!(words("Bjo\u{308}rn O'Neil <ada+x@Mail.example>", 9), "bjorn o neil ada x mail example");
        assert_eq!(words("I\u{307}zmir ΟΔΟΣ οδος", 9), "izmir οδοσ οδοσ");
        assert_eq!(words(" - \0 ", 9), "");
        assert_eq!(words("a b c", 2), "a b");
    }

    #[test]
    fn one_word_is_a_range_of_the_index() {
        assert_eq!(search("ADA"), Some(Search { from: "ada".into(), to: "ada\u{10ffff}".into(), phrases: None }));
        assert_eq!(search("ada ada"), search(" ada"));
        assert_eq!(search(" - \" "), None);
        assert_eq!(search("\0"), None);
    }

    #[test]
    fn of_several_words_the_longest_is_read_and_all_are_compared() {
        let found = search("o'neil jo").unwrap();
        assert_eq!((found.from.as_str(), found.to.as_str()), ("neil", "neil\u{10ffff}"));
        assert_eq!(found.phrases, Some([" o neil", " jo"].map(str::to_owned).into()));
        let whole = search("neil-o").unwrap();
        assert_eq!((whole.from.as_str(), whole.to.as_str()), ("neil", "neil "), "only the last word is a beginning");
        assert_eq!(whole.phrases, Some([" neil o"].map(str::to_owned).into()));
    }
}
