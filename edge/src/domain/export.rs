//! An export as a document: its columns, and the form of a row in each format.
//!
//! A row is the JSON object that the API shows for a user or an event. A column is a place in this
//! object: `email`, `optIns.whatsapp`, `customFields.points`. So a new member of the object is a
//! column without further code.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{csv, json};

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A company's users.
    Users,
    /// A company's events.
    Events,
    /// All data of one user.
    User,
}

/// The format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// RFC 4180.
    Csv,
    /// One object with all rows in it.
    Json,
    /// One object in each line.
    Ndjson,
}

/// Columns of users, in the default order of the file.
const USER_COLUMNS: [&str; 38] = [
    "id",
    "email",
    "fullName",
    "firstName",
    "lastName",
    "phone",
    "whatsappPhone",
    "gender",
    "locale",
    "timezone",
    "profilePic",
    "manychatId",
    "instagramUsername",
    "instagramId",
    "optIns.messenger",
    "optIns.instagram",
    "optIns.whatsapp",
    "optIns.telegram",
    "exportConsent.given",
    "exportConsent.at",
    "exportConsent.source",
    "tags",
    "customFields",
    "interactions.messagesCount",
    "interactions.commentsCount",
    "interactions.storiesCount",
    "interactions.totalCount",
    "interactions.lastUpdated",
    "stats.bookingsCount",
    "stats.qrScansCount",
    "stats.conversationsCount",
    "stats.lastBooking",
    "stats.lastSynced",
    "timestamps.subscribedAt",
    "timestamps.createdAt",
    "timestamps.updatedAt",
    "lastActive",
    "externalId",
];
/// Columns of events, in the default order of the file.
const EVENT_COLUMNS: [&str; 9] =
    ["messageId", "eventType", "timestamp", "source", "sessionId", "userId", "receivedAt", "bot", "eventData"];

impl Kind {
    /// The kind's name in the database and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Events => "events",
            Self::User => "user",
        }
    }

    /// The columns, in the default order of the file.
    #[must_use]
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Users => &USER_COLUMNS,
            Self::Events | Self::User => &EVENT_COLUMNS,
        }
    }

    /// Places that are columns as a whole, and whose members are columns too.
    const fn open(self) -> &'static [&'static str] {
        match self {
            Self::Users => &["customFields", "traits"],
            Self::Events | Self::User => &["eventData", "context"],
        }
    }

    /// Whether an export of this kind has this column.
    #[must_use]
    pub fn has(self, column: &str) -> bool {
        let member =
            || column.split_once('.').is_some_and(|(place, name)| self.open().contains(&place) && !name.is_empty());
        self.columns().contains(&column) || self.open().contains(&column) || member()
    }

    /// The name of the rows in a JSON document.
    const fn rows(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Events | Self::User => "events",
        }
    }
}

impl Format {
    /// Finds a format by its name in the path.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Csv, Self::Json, Self::Ndjson].into_iter().find(|f| f.as_str() == name)
    }

    /// The format's name in the path, in file names and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }

    /// `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
            Self::Ndjson => "application/x-ndjson; charset=utf-8",
        }
    }
}

/// Writes the document.
#[derive(Debug)]
pub struct Writer {
    kind: Kind,
    format: Format,
    /// The selected columns. `None`: the default columns, or in JSON the whole object.
    columns: Option<Vec<String>>,
    first: bool,
}

#[derive(Deserialize)]
struct Tagged {
    name: String,
}

impl Writer {
    /// A writer of these columns, or of the default ones.
    #[must_use]
    pub const fn new(kind: Kind, format: Format, columns: Option<Vec<String>>) -> Self {
        Self { kind, format, columns, first: true }
    }

    /// The text before the rows. `members` are the first members of a JSON document, each with a
    /// comma after it. `marked` adds the byte order mark, by which a spreadsheet recognises UTF-8.
    /// If the text continues a broken download (`goes_on`), it has neither column titles nor the
    /// mark.
    #[must_use]
    pub fn head(&self, members: &str, goes_on: bool, marked: bool) -> String {
        let mut out = String::new();
        match self.format {
            Format::Csv if !goes_on => {
                out.push_str(if marked { csv::BYTE_ORDER_MARK } else { "" });
                match &self.columns {
                    Some(columns) => csv::record(&mut out, columns.iter().map(String::as_str)),
                    None => csv::record(&mut out, self.kind.columns().iter().copied()),
                }
            }
            Format::Json => out = format!("{{\"success\":true,{members}\"{}\":[", self.kind.rows()),
            Format::Csv | Format::Ndjson => {}
        }
        out
    }

    /// The text after the rows.
    #[must_use]
    pub fn tail(&self, members: &str) -> String {
        match self.format {
            Format::Json => format!("\n],{members}}}\n"),
            Format::Csv | Format::Ndjson => String::new(),
        }
    }

    /// Writes a row from a JSON object.
    ///
    /// # Errors
    /// If it is not a JSON object.
    pub fn row(&mut self, out: &mut String, json: &str) -> serde_json::Result<()> {
        let first = std::mem::take(&mut self.first);
        match (self.format, &self.columns) {
            (Format::Csv, Some(columns)) => csv_row(out, json, columns.iter().map(String::as_str))?,
            (Format::Csv, None) => csv_row(out, json, self.kind.columns().iter().copied())?,
            (Format::Json | Format::Ndjson, columns) => {
                if self.format == Format::Json {
                    out.push_str(if first { "\n" } else { ",\n" });
                }
                match columns {
                    None => out.push_str(json),
                    Some(columns) => json_row(out, json, columns)?,
                }
                if self.format == Format::Ndjson {
                    out.push('\n');
                }
            }
        }
        Ok(())
    }
}

/// A row's object, parsed as deep as the columns need.
struct Opened<'a> {
    whole: BTreeMap<String, &'a RawValue>,
    /// Parsed objects, by their place.
    parts: BTreeMap<String, BTreeMap<String, &'a RawValue>>,
}

impl<'a> Opened<'a> {
    fn new(json: &'a str) -> serde_json::Result<Self> {
        Ok(Self { whole: serde_json::from_str(json)?, parts: BTreeMap::new() })
    }

    /// The value of a column, as JSON. `None` if there is none. A name that contains dots takes
    /// priority over a deeper place.
    fn get(&mut self, column: &str) -> Option<&'a str> {
        let Some((place, name)) = column.split_once('.') else {
            return self.whole.get(column).map(|value| value.get());
        };
        if !self.parts.contains_key(place) {
            // A value that is not an object has no members.
            let part = self.whole.get(place).and_then(|value| serde_json::from_str(value.get()).ok());
            let part = part.unwrap_or_default();
            self.parts.insert(place.to_owned(), part);
        }
        let part = self.parts.get(place)?;
        part.get(name).map(|value| value.get()).or_else(|| deeper(part, name))
    }
}

/// A member of a member: `campaign.source`.
fn deeper<'a>(part: &BTreeMap<String, &'a RawValue>, name: &str) -> Option<&'a str> {
    let (first, rest) = name.split_once('.')?;
    let inner: BTreeMap<String, &'a RawValue> = serde_json::from_str(part.get(first)?.get()).ok()?;
    inner.get(rest).map(|value| value.get()).or_else(|| deeper(&inner, rest))
}

fn csv_row<'a>(out: &mut String, json: &str, columns: impl Iterator<Item = &'a str>) -> serde_json::Result<()> {
    let mut row = Opened::new(json)?;
    let cells: Vec<String> = columns.map(|column| cell(column, row.get(column))).collect::<Result<_, _>>()?;
    csv::record(out, cells.iter().map(String::as_str));
    Ok(())
}

/// A value as a cell. Texts stay as they are, null becomes an empty cell, tags become their names,
/// and other nested values become JSON.
fn cell(column: &str, json: Option<&str>) -> serde_json::Result<String> {
    let json = json.unwrap_or("null");
    Ok(match json.as_bytes().first() {
        Some(b'n') | None => String::new(),
        Some(b'"') => json::value(json).as_str().unwrap_or_default().to_owned(),
        Some(b'[') if column == "tags" => {
            let tags: Vec<Tagged> = serde_json::from_str(json)?;
            tags.into_iter().map(|tag| tag.name).collect::<Vec<_>>().join(";")
        }
        Some(_) if json == "{}" => String::new(),
        Some(_) => json.to_owned(),
    })
}

fn json_row(out: &mut String, json: &str, columns: &[String]) -> serde_json::Result<()> {
    let mut row = Opened::new(json)?;
    out.push('{');
    for (place, column) in columns.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        out.push_str(&serde_json::to_string(column)?);
        out.push(':');
        out.push_str(row.get(column).unwrap_or("null"));
    }
    out.push('}');
    Ok(())
}

/// A place at which a broken download may continue, and the state of the document there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark(pub u64, pub u64, pub String, pub String);

/// The marks of an export. The distance between them grows, so that they stay few.
#[derive(Debug)]
pub struct Marks {
    kept: Vec<Mark>,
    every: u64,
    most: usize,
}

impl Marks {
    /// Sets a mark every `every` rows, at most `most` in all.
    #[must_use]
    pub const fn new(every: u64, most: usize) -> Self {
        Self { kept: Vec::new(), every, most }
    }

    /// Whether the next mark is due.
    #[must_use]
    pub fn is_due(&self, rows: u64) -> bool {
        rows >= self.kept.last().map_or(0, |mark| mark.0) + self.every
    }

    /// Sets a mark.
    pub fn set(&mut self, mark: Mark) {
        if self.kept.len() >= self.most {
            let mut place = 0;
            self.kept.retain(|_| {
                place += 1;
                place % 2 == 0
            });
            self.every *= 2;
        }
        self.kept.push(mark);
    }

    /// The remaining marks.
    #[must_use]
    pub fn kept(&self) -> &[Mark] {
        &self.kept
    }
}

#[cfg(test)]
mod tests;
