//! Records: things that belong to people. The batch that stores a server's events writes them; they
//! are read by person.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use trackmate_wire::limits::RECORD_FIELDS_MAX;

use super::request::IngestRequest;
use super::{Bound, Db, Param, Result, list_bytes, sql};
use crate::domain::event::Row;
use crate::domain::json;
use crate::domain::person_records::{Included, PersonRecords};
use crate::domain::record::{self, Record};

/// The statements that write the records of a request's events: none if no event is about a record.
/// Only events with source `server` write records.
pub(super) fn merge(db: &Db, request: &IngestRequest<'_>, rows: &[Row]) -> Result<Vec<Bound>> {
    let changes = record::changes(rows);
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let changes = serde_json::to_string(&changes)?;
    let most = i64::try_from(RECORD_FIELDS_MAX).unwrap_or(i64::MAX);
    let merge = [(&changes).into(), request.company.into(), request.marker.into(), most.into()];
    Ok(vec![db.bind(sql::RECORDS_MERGE, &merge)?])
}

/// Adds the statement that marks the links of the events' session as having records or memberships.
/// It comes after the statements that write these. `ids` are the message ids, a JSON array.
pub(super) fn mark(db: &Db, request: &IngestRequest<'_>, ids: &str, written: &mut Vec<Bound>) -> Result<()> {
    if request.has_session() && !written.is_empty() {
        let mark = [request.company.into(), request.source.into(), ids.into(), request.marker.into()];
        written.push(db.bind(sql::LINKS_MARK, &mark)?);
    }
    Ok(())
}

#[derive(Deserialize)]
struct RecordRow {
    profile: String,
    kind: String,
    id: String,
    placed_ts: i64,
    first_ts: i64,
    last_ts: i64,
    scans: i64,
    fields: Option<String>,
}

/// A place in the list of a person's records: the last record shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `ts` of the record's latest event with a person.
    pub ts: i64,
    /// Its kind.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// A record and its place in a list.
#[derive(Debug)]
pub struct Listed {
    /// The profile that owns it.
    pub profile: String,
    /// Its place.
    pub place: Place,
    /// The record; `None` beyond the bytes of a list.
    pub record: Option<Record>,
}

/// How many records are read.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    /// A page of at most `most` records, after a place.
    Page {
        /// Records.
        most: i64,
        /// The place; `None` for the first page.
        after: Option<&'a Place>,
    },
    /// At most `most` records of each kind and person.
    OfEach {
        /// Records.
        most: i64,
        /// Bytes of all records.
        bytes: Param<'a>,
    },
}

/// The records of these people, the last changed first. `kinds` is a JSON array; `None` is all
/// kinds. Beyond the most bytes only the places are returned. The statement reads no more rows of
/// each session with records than it returns.
///
/// # Errors
/// D1's.
pub async fn list(
    db: &Db,
    company: &str,
    profiles: &[&str],
    kinds: Option<&str>,
    part: Part<'_>,
) -> Result<Vec<Listed>> {
    let profiles = serde_json::to_string(profiles)?;
    let (most, after, of_each, bytes) = match part {
        Part::Page { most, after } => (most, after, 0, list_bytes()),
        Part::OfEach { most, bytes } => (most, None, 1, bytes),
    };
    let params: [Param<'_>; 9] = [
        company.into(),
        (&profiles).into(),
        kinds.into(),
        most.into(),
        after.map(|place| place.ts).into(),
        after.map(|place| &place.kind).into(),
        after.map(|place| &place.id).into(),
        of_each.into(),
        bytes,
    ];
    let rows = db.run(sql::RECORDS_LIST, &params).await?.rows::<RecordRow>()?;
    rows.into_iter().map(RecordRow::listed).collect()
}

impl RecordRow {
    fn listed(self) -> Result<Listed> {
        let record = |fields: String| -> Result<Record> {
            Ok(Record {
                kind: self.kind.clone(),
                id: self.id.clone(),
                place: None,
                first_ts: self.first_ts,
                last_ts: self.last_ts,
                scans: self.scans,
                fields: serde_json::from_str(&json::normalised(&fields))?,
            })
        };
        let record = self.fields.map(record).transpose()?;
        let place = Place { ts: self.placed_ts, kind: self.kind, id: self.id };
        Ok(Listed { profile: self.profile, place, record })
    }
}

/// The included records of these people by profile, at most `most` of a kind. Every profile has an
/// entry. If no records are included, there is no query.
///
/// # Errors
/// D1's.
pub async fn of_people(
    db: &Db,
    company: &str,
    profiles: &[&str],
    included: &Included,
    most: usize,
) -> Result<BTreeMap<String, PersonRecords>> {
    let kinds = included.kinds();
    if kinds.is_empty() || profiles.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (kinds, limit) = (serde_json::to_string(&kinds)?, i64::try_from(most + 1).unwrap_or(i64::MAX));
    let mut by_profile: BTreeMap<&str, (Vec<Record>, BTreeSet<String>)> =
        profiles.iter().map(|id| (*id, Default::default())).collect();
    let part = Part::OfEach { most: limit, bytes: list_bytes() };
    for listed in list(db, company, profiles, Some(&kinds), part).await? {
        if let Some((records, left_out)) = by_profile.get_mut(listed.profile.as_str()) {
            match listed.record {
                Some(record) => records.push(record),
                None => drop(left_out.insert(listed.place.kind)),
            }
        }
    }
    let shown = |(id, (records, left_out)): (&str, (Vec<Record>, BTreeSet<String>))| {
        Ok((id.to_owned(), PersonRecords::new(included, &records, most, left_out)?))
    };
    by_profile.into_iter().map(shown).collect()
}
