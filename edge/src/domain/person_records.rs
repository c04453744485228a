//! The records of a person that a request can include, and their members beside the user object
//! (seed 003: `includeBookings` and the like).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::value::to_raw_value;
use trackmate_wire::limits::{RECORDS_LIST_MAX, RECORDS_SHOWN_MAX};

use super::clock;
use super::person::Traits;
use super::record::{BOOKING, CONVERSATION, INTERACTIONS, QR, Record};

/// The records that a request includes.
#[derive(Debug, Default, Clone)]
pub struct Included {
    /// `includeBookings`.
    pub bookings: bool,
    /// `includeQRCodes`.
    pub qr_codes: bool,
    /// `includeInteractions`.
    pub interactions: bool,
    /// `includeConversations`.
    pub conversations: bool,
    /// `include=`: any other kinds.
    pub kinds: BTreeSet<String>,
}

impl Included {
    /// The kinds of records that must be read.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<&str> {
        let mut kinds: BTreeSet<&str> = self.kinds.iter().map(String::as_str).collect();
        let own = [(self.bookings, BOOKING), (self.qr_codes, QR), (self.conversations, CONVERSATION)];
        kinds.extend(own.into_iter().filter(|(asked, _)| *asked).map(|(_, kind)| kind));
        kinds.extend(INTERACTIONS.iter().filter(|_| self.interactions));
        kinds
    }

    /// The members of the user object that result.
    #[must_use]
    pub fn members(&self) -> Vec<&'static str> {
        let own = [
            (self.bookings, "bookings"),
            (self.qr_codes, "qrCodes"),
            (self.interactions, "interactionHistory"),
            (self.conversations, "conversations"),
            (!self.kinds.is_empty(), "records"),
            (!self.kinds().is_empty(), "hasMoreOf"),
        ];
        own.into_iter().filter(|(asked, _)| *asked).map(|(_, name)| name).collect()
    }

    /// The number of records of a kind that are shown with each user, if the answer has this many
    /// users.
    #[must_use]
    pub fn most(&self, users: usize) -> usize {
        (RECORDS_LIST_MAX / (users * self.kinds().len()).max(1)).clamp(1, RECORDS_SHOWN_MAX)
    }
}

/// A record as answers show it: its fields, with `id`, `kind`, `status`, `createdAt`, `updatedAt`,
/// and the `scans` of a QR code.
pub type Shown = Traits;

/// A person's records as they stand in the user object: an array for each thing asked for, those
/// first that were last told of.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PersonRecords {
    #[serde(skip_serializing_if = "Option::is_none")]
    bookings: Option<Vec<Shown>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qr_codes: Option<Vec<Shown>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interaction_history: Option<Vec<Shown>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversations: Option<Vec<Shown>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<BTreeMap<String, Vec<Shown>>>,
    /// Kinds of which there are more than are shown.
    has_more_of: BTreeSet<String>,
}

impl PersonRecords {
    /// Sorts a person's records into their members, at most `most` of a kind. `records` have the
    /// order of the answer, with one more of a kind if there are more. `left_out` has the kinds
    /// that the statement cut.
    ///
    /// # Errors
    /// Only if JSON serialisation fails, which cannot happen with texts and numbers.
    pub fn new(
        included: &Included,
        records: &[Record],
        most: usize,
        left_out: BTreeSet<String>,
    ) -> serde_json::Result<Self> {
        let mut shown = BTreeMap::<&str, usize>::new();
        let mut has_more_of = left_out;
        let mut within = Vec::with_capacity(records.len());
        for record in records {
            let count = shown.entry(&record.kind).or_default();
            *count += 1;
            if *count <= most {
                within.push(record);
            } else {
                has_more_of.insert(record.kind.clone());
            }
        }
        let of = |asked: bool, kinds: &[&str]| {
            let list = || within.iter().filter(|r| kinds.contains(&r.kind.as_str())).map(|r| show(r)).collect();
            asked.then(list).transpose()
        };
        let mut others = BTreeMap::new();
        for kind in &included.kinds {
            others.insert(kind.clone(), of(true, &[kind])?.unwrap_or_default());
        }
        Ok(Self {
            bookings: of(included.bookings, &[BOOKING])?,
            qr_codes: of(included.qr_codes, &[QR])?,
            interaction_history: of(included.interactions, &INTERACTIONS)?,
            conversations: of(included.conversations, &[CONVERSATION])?,
            records: Some(others).filter(|others| !others.is_empty()),
            has_more_of,
        })
    }
}

/// Makes the record that answers show. `id`, `kind` and `scans` come from TrackMate. A `createdAt`
/// or `updatedAt` among the record's fields replaces the times of its events.
///
/// # Errors
/// Only if JSON serialisation fails, which cannot happen with texts and numbers.
pub fn show(record: &Record) -> serde_json::Result<Shown> {
    let mut shown: Shown = [
        ("status", to_raw_value(&())?),
        ("createdAt", to_raw_value(&clock::iso(clock::ts_ms(record.first_ts)))?),
        ("updatedAt", to_raw_value(&clock::iso(clock::ts_ms(record.last_ts)))?),
    ]
    .map(|(name, raw)| (name.to_owned(), raw))
    .into();
    shown.extend(record.fields.iter().map(|(name, (_, _, (raw,)))| (name.clone(), raw.clone())));
    shown.insert("id".to_owned(), to_raw_value(&record.id)?);
    shown.insert("kind".to_owned(), to_raw_value(&record.kind)?);
    if record.kind == QR {
        shown.insert("scans".to_owned(), to_raw_value(&record.scans)?);
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::{change, fold};
    use serde_json::{Value, json};

    fn record(name: &str, data: &Value) -> Record {
        fold(&[("s", 1_760_788_800_000_500, change("m", name, &data.to_string()).unwrap())]).unwrap()
    }

    #[test]
    fn a_shown_record_has_its_fields_and_what_trackmate_adds() {
        let qr = record("qr.scanned", &json!({"qrCode": {"id": 7, "code": "A", "kind": "x", "createdAt": "mine"}}));
        let expected = json!({"id": "7", "kind": "qr", "code": "A", "status": "scanned", "scans": 1,
            "createdAt": "mine", "updatedAt": "2025-10-18T12:00:00.000Z"});
        assert_eq!(serde_json::to_value(show(&qr).unwrap()).unwrap(), expected);
    }

    #[test]
    fn each_included_kind_has_its_array_and_no_other_kind_has_one() {
        let records: Vec<Record> = ["a", "b"]
            .map(|id| record("booking.created", &json!({"booking": {"id": id}})))
            .into_iter()
            .chain([record("story.sent", &json!({})), record("order.made", &json!({"order": {"id": 1}}))])
            .collect();
        let included = Included {
            bookings: true,
            interactions: true,
            kinds: ["order".into(), "none".into()].into(),
            ..Included::default()
        };
        assert_eq!(
            included.kinds().into_iter().collect::<Vec<_>>(),
            ["booking", "comment", "message", "none", "order", "story"]
        );
        assert_eq!(
            [1, 50, 1000].map(|users| included.most(users)),
            [20, 20, 1],
            "a page of many users shows fewer records of each kind"
        );
        let shown = serde_json::to_value(PersonRecords::new(&included, &records, 1, BTreeSet::new()).unwrap()).unwrap();
        assert_eq!(shown["bookings"].as_array().unwrap().iter().map(|b| b["id"].clone()).collect::<Vec<_>>(), ["a"]);
        assert_eq!(
            (&shown["interactionHistory"][0]["kind"], &shown["records"]["order"][0]["id"]),
            (&json!("story"), &json!("1"))
        );
        assert_eq!((&shown["records"]["none"], &shown["hasMoreOf"]), (&json!([]), &json!(["booking"])));
        assert!(shown.get("qrCodes").is_none() && shown.get("conversations").is_none());
    }
}
