//! The event names that a company has sent, and when last, to the hour. They are noted in the batch
//! that stores the events, and only those that this isolate has not noted within the hour: so a
//! request mostly asks nothing, and where it does, mostly writes nothing.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use trackmate_wire::limits::{
    CATALOG_DOOR_NAMES_MAX, CATALOG_IDLE_MS, CATALOG_NAMES_MAX, CATALOG_NOTE_MS, CATALOG_NOTED_BYTES_MAX,
};
use worker::D1PreparedStatement;

use super::request::Request;
use super::{Db, Result, sql};
use crate::domain::event::Row;
use crate::domain::incoming::name_kept;

/// What this isolate has noted in an hour from `since_ms` on, of all companies.
#[derive(Default)]
struct Noted {
    since_ms: i64,
    bytes: usize,
    names: BTreeSet<String>,
}

thread_local! {
    static NOTED: RefCell<Noted> = RefCell::default();
}

impl Noted {
    /// Forgets what was noted an hour ago, or is too much to keep: then it is asked for again, and
    /// D1 knows that nothing is to be written.
    fn at(&mut self, now_ms: i64) {
        if now_ms - self.since_ms >= CATALOG_NOTE_MS || self.bytes > CATALOG_NOTED_BYTES_MAX {
            *self = Self { since_ms: now_ms, ..Self::default() };
        }
    }

    fn add(&mut self, key: String) {
        let bytes = key.len();
        if self.names.insert(key) {
            self.bytes += bytes;
        }
    }
}

fn key(request: &Request<'_>, name: &str) -> String {
    format!("{}\n{}\n{name}", request.company, i64::from(request.from_server))
}

#[derive(Serialize)]
struct Item<'a> {
    n: &'a str,
    i: &'a str,
}

/// What notes the names of a request's events, behind the statement that stores them; nothing if
/// this isolate has noted them all.
pub(super) fn note(db: &Db, request: &Request<'_>, rows: &[Row]) -> Result<Vec<D1PreparedStatement>> {
    let names: BTreeMap<&str, &str> = rows.iter().rev().map(|row| (name_kept(&row.name), row.id.as_str())).collect();
    let fresh: Vec<Item<'_>> = NOTED.with_borrow_mut(|noted| {
        noted.at(request.received_ms);
        let is_fresh = |(name, _): &(&str, &str)| !noted.names.contains(&key(request, name));
        names.into_iter().filter(is_fresh).map(|(n, i)| Item { n, i }).collect()
    });
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    let (json, source) = (serde_json::to_string(&fresh)?, i64::from(request.from_server));
    let (company, most, now) = (request.company.into(), CATALOG_DOOR_NAMES_MAX.into(), request.received_ms);
    let clear = [company, (&json).into(), source.into(), most, (now - CATALOG_IDLE_MS).into()];
    let note =
        [company, (&json).into(), source.into(), request.number.into(), now.into(), most, CATALOG_NOTE_MS.into()];
    Ok(vec![db.bind(sql::CATALOG_CLEAR, &clear)?, db.bind(sql::CATALOG_NOTE, &note)?])
}

/// Remembers the names of events that were stored, by their message ids.
pub(super) fn noted(request: &Request<'_>, rows: &[Row], new: &[String]) {
    let new: BTreeSet<&str> = new.iter().map(String::as_str).collect();
    NOTED.with_borrow_mut(|noted| {
        noted.at(request.received_ms);
        for row in rows.iter().filter(|row| new.contains(row.id.as_str())) {
            noted.add(key(request, name_kept(&row.name)));
        }
    });
}

/// A name in the catalogue.
#[derive(Debug, Deserialize)]
pub struct Name {
    /// The event's name.
    pub name: String,
    /// 1 if a server has sent it, 0 if pages alone have.
    pub source: i64,
    /// When last, ms.
    pub last_at: i64,
}

/// A company's names, the last seen first.
///
/// # Errors
/// D1's.
pub async fn list(db: &Db, company: &str) -> Result<Vec<Name>> {
    let mut names: Vec<Name> = db.run(sql::CATALOG_LIST, &[company.into(), CATALOG_NAMES_MAX.into()]).await?.rows()?;
    names.sort_by_key(|name| std::cmp::Reverse(name.last_at));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_isolate_keeps_of_names_has_a_bound_over_all_companies() {
        let mut noted = Noted::default();
        noted.at(CATALOG_NOTE_MS);
        for n in 0..100_000 {
            noted.at(CATALOG_NOTE_MS);
            noted.add(format!("TM-{n}\n0\n{}", "n".repeat(200)));
            assert!(noted.bytes <= CATALOG_NOTED_BYTES_MAX + 300);
            assert!(noted.names.iter().take(10).count() > 0);
        }
        noted.at(2 * CATALOG_NOTE_MS);
        assert!(noted.names.is_empty(), "an hour later all are noted again");
    }
}
