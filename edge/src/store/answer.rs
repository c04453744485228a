//! What D1 answers, and how it fails.

use std::marker::PhantomData;

use js_sys::{JSON, Reflect};
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use worker::worker_sys;

use super::param::Bound;

/// Rows that are read as one text. An event of a company with many webhooks has thousands.
const ROWS_OF_A_TEXT: u32 = 100;

/// A failure of D1 or of the bridge to it. It concerns the operator, never a caller.
pub type Result<T> = std::result::Result<T, worker::Error>;

/// A failure in one line for the log. An error of D1 has many lines with a stack; its message
/// follows `D1_ERROR`.
#[must_use]
pub fn brief(error: &worker::Error) -> String {
    let text = error.to_string();
    let line = text.lines().find(|line| line.contains("D1_ERROR")).or(text.lines().next());
    line.unwrap_or_default().trim().chars().take(200).collect()
}

/// A page of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// The items to show, and perhaps one more.
    pub items: Vec<T>,
    /// Whether the page ended early because of its bytes: see
    /// [`trackmate_wire::limits::LIST_BYTES_MAX`].
    pub is_early: bool,
}

impl<T> Page<T> {
    /// The same page with other items.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn try_map<U>(self, make: impl FnMut(T) -> Result<U>) -> Result<Page<U>> {
        Ok(Page { items: self.items.into_iter().map(make).collect::<Result<_>>()?, is_early: self.is_early })
    }
}

#[derive(serde::Deserialize)]
struct Of<T> {
    found: usize,
    #[serde(flatten)]
    row: T,
}

/// The answer of one statement. The crate's type reads D1's counts into 32 bits, so it fails on
/// every database of more than 4 GiB.
#[derive(Debug, Clone)]
pub struct Answer(pub(super) worker_sys::D1Result);

impl Answer {
    /// All rows.
    ///
    /// # Errors
    /// When a row is not of the expected shape.
    pub fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        let rows = self.0.results()?.unwrap_or_default();
        rows.iter().map(|row| serde_wasm_bindgen::from_value(row).map_err(|e| JsValue::from(e).into())).collect()
    }

    /// All rows, read as JSON texts of many rows. That is faster, for the path of an event: to read
    /// a field of a row is a call into JavaScript. [`Answer::rows`] makes the Worker smaller.
    ///
    /// # Errors
    /// As [`Answer::rows`].
    pub fn rows_as_text<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        let found = self.0.results()?.unwrap_or_default();
        let mut rows = Vec::new();
        for start in (0..found.length()).step_by(ROWS_OF_A_TEXT as usize) {
            let text = String::from(JSON::stringify(&found.slice(start, start + ROWS_OF_A_TEXT))?);
            rows.append(&mut serde_json::from_str(&text)?);
        }
        Ok(rows)
    }

    /// The first row.
    ///
    /// # Errors
    /// As [`Answer::rows`].
    pub fn first<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        Ok(self.rows()?.into_iter().next())
    }

    /// A page of a list that may end early: each row has the number of rows `found`.
    ///
    /// # Errors
    /// As [`Answer::rows`].
    pub fn page<T: DeserializeOwned>(&self) -> Result<Page<T>> {
        let rows: Vec<Of<T>> = self.rows()?;
        let is_early = rows.first().is_some_and(|first| first.found > rows.len());
        Ok(Page { items: rows.into_iter().map(|of| of.row).collect(), is_early })
    }

    /// The number of rows that the statement wrote, including those of indexes.
    ///
    /// # Errors
    /// When D1 sent no counts.
    pub fn written(&self) -> Result<usize> {
        let written = self.meta("rows_written").and_then(|rows| usize::try_from(rows).ok());
        written.ok_or_else(|| worker::Error::RustError("D1 sent no counts".into()))
    }

    /// One of D1's counts.
    pub(super) fn meta(&self, name: &str) -> Option<i64> {
        let count = Reflect::get(self.0.meta().ok()?.as_ref(), &JsValue::from_str(name)).ok()?.as_f64()?;
        #[allow(clippy::cast_possible_truncation, reason = "D1's counts are integers below 2^53")]
        Some(count as i64)
    }
}

/// The position of one statement's answer in the answers of its batch. Its rows are `T`.
#[derive(Debug)]
pub struct Slot<T>(usize, PhantomData<T>);

/// Statements that go to D1 as one transaction in one round trip.
#[derive(Debug, Default)]
pub struct Batch(Vec<Bound>);

impl Batch {
    /// Adds a statement and returns the slot of its answer.
    #[must_use]
    pub fn read<T>(&mut self, statement: Bound) -> Slot<T> {
        let place = self.0.len();
        self.0.push(statement);
        Slot(place, PhantomData)
    }

    /// Adds a statement whose answer is not read.
    pub fn write(&mut self, statement: Bound) {
        self.0.push(statement);
    }

    /// Adds statements whose answers are not read.
    pub fn write_all(&mut self, statements: impl IntoIterator<Item = Bound>) {
        self.0.extend(statements);
    }

    /// Adds a guard and the statements that depend on it. Only the answer of the guard is read.
    #[must_use]
    pub fn read_first<T>(&mut self, statements: impl IntoIterator<Item = Bound>) -> Slot<T> {
        let place = self.0.len();
        self.0.extend(statements);
        Slot(place, PhantomData)
    }

    /// The statements in their order.
    #[must_use]
    pub fn into_statements(self) -> Vec<Bound> {
        self.0
    }
}

/// The answers of a batch.
#[derive(Debug)]
pub struct Answers(Vec<Answer>);

impl Answers {
    /// Wraps a batch's answers.
    #[must_use]
    pub const fn new(answers: Vec<Answer>) -> Self {
        Self(answers)
    }

    fn get<T>(&self, slot: &Slot<T>) -> Result<&Answer> {
        self.0
            .get(slot.0)
            .ok_or_else(|| worker::Error::RustError("D1 answered fewer statements than it was sent".into()))
    }

    /// All rows of a statement.
    ///
    /// # Errors
    /// When a row is not of the expected shape, or D1 answered fewer statements than it was sent.
    pub fn rows<T: DeserializeOwned>(&self, slot: &Slot<T>) -> Result<Vec<T>> {
        self.get(slot)?.rows()
    }

    /// All rows of a statement, read as text: [`Answer::rows_as_text`].
    ///
    /// # Errors
    /// As [`Answers::rows`].
    pub fn rows_as_text<T: DeserializeOwned>(&self, slot: &Slot<T>) -> Result<Vec<T>> {
        self.get(slot)?.rows_as_text()
    }

    /// The first row of a statement.
    ///
    /// # Errors
    /// As [`Answers::rows`].
    pub fn first<T: DeserializeOwned>(&self, slot: &Slot<T>) -> Result<Option<T>> {
        self.get(slot)?.first()
    }

    /// The page of a list that may end early: [`Answer::page`].
    ///
    /// # Errors
    /// As [`Answers::rows`].
    pub fn page<T: DeserializeOwned>(&self, slot: &Slot<T>) -> Result<Page<T>> {
        self.get(slot)?.page()
    }
}
