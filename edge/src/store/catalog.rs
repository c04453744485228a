//! The catalogue: the event names that a company has sent, with the hour of the last event. The
//! batch that stores events also writes their names, but only names that this isolate has not
//! written within the hour. So most requests need no statement for names, and most such statements
//! write nothing.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use trackmate_wire::limits::{
    CATALOG_IDLE_MS, CATALOG_NAMES_MAX, CATALOG_SOURCE_NAMES_MAX, CATALOG_UPDATE_MS, CATALOG_UPDATED_BYTES_MAX,
};

use super::request::IngestRequest;
use super::{Bound, Db, Result, sql};
use crate::domain::event::Row;
use crate::domain::incoming::name_kept;
use crate::domain::source::Source;

/// The names that this isolate has written within an hour from `since_ms` on, of all companies.
#[derive(Default)]
struct WrittenNames {
    since_ms: i64,
    bytes: usize,
    names: BTreeSet<String>,
}

thread_local! {
    static WRITTEN: RefCell<WrittenNames> = RefCell::default();
}

impl WrittenNames {
    /// Forgets all names after an hour, or when they take too much memory. The isolate then sends
    /// them again, and D1 finds that there is nothing to write.
    fn at(&mut self, now_ms: i64) {
        if now_ms - self.since_ms >= CATALOG_UPDATE_MS || self.bytes > CATALOG_UPDATED_BYTES_MAX {
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

fn key(request: &IngestRequest<'_>, name: &str) -> String {
    format!("{}\n{}\n{name}", request.company, request.source.number())
}

#[derive(Serialize)]
struct Item<'a> {
    n: &'a str,
    i: &'a str,
}

/// The names of a request's events that this isolate has not written within the hour, each with the
/// message id of its first event.
fn fresh<'a>(request: &IngestRequest<'_>, rows: &'a [Row]) -> BTreeMap<&'a str, &'a str> {
    let names: BTreeMap<&str, &str> = rows.iter().rev().map(|row| (row.name.as_str(), row.id.as_str())).collect();
    WRITTEN.with_borrow_mut(|noted| {
        noted.at(request.received_ms);
        let kept = names.into_iter().map(|(name, id)| (name_kept(name), id));
        kept.filter(|(name, _)| !noted.names.contains(&key(request, name))).collect()
    })
}

/// The statements that write the names of a request's events. They follow the statement that stores
/// the events. The list is empty if this isolate has written all of the names.
pub(super) fn note(db: &Db, request: &IngestRequest<'_>, rows: &[Row]) -> Result<Vec<Bound>> {
    let fresh = fresh(request, rows);
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    let fresh: Vec<Item<'_>> = fresh.into_iter().map(|(n, i)| Item { n, i }).collect();
    let (json, source) = (serde_json::to_string(&fresh)?, request.source);
    let (company, most, now) = (request.company.into(), CATALOG_SOURCE_NAMES_MAX.into(), request.received_ms);
    let clear = [company, (&json).into(), source.into(), most, (now - CATALOG_IDLE_MS).into()];
    let note =
        [company, (&json).into(), source.into(), request.marker.into(), now.into(), most, CATALOG_UPDATE_MS.into()];
    Ok(vec![db.bind(sql::CATALOG_CLEAR, &clear)?, db.bind(sql::CATALOG_NOTE, &note)?])
}

/// Remembers the names of the events that were stored. `new` has their message ids.
pub(super) fn noted(request: &IngestRequest<'_>, rows: &[Row], new: &[String]) {
    if fresh(request, rows).is_empty() {
        return;
    }
    let new: BTreeSet<&str> = new.iter().map(String::as_str).collect();
    WRITTEN.with_borrow_mut(|noted| {
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
    /// The server API if it was ever sent through it.
    pub source: Source,
    /// When it was last sent, ms.
    pub last_at: i64,
}

/// A company's names, the last sent first.
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
    fn the_names_that_an_isolate_remembers_have_one_limit_for_all_companies() {
        let mut noted = WrittenNames::default();
        noted.at(CATALOG_UPDATE_MS);
        for n in 0..100_000 {
            noted.at(CATALOG_UPDATE_MS);
            noted.add(format!("TM-{n}\n0\n{}", "n".repeat(200)));
            assert!(noted.bytes <= CATALOG_UPDATED_BYTES_MAX + 300);
            assert!(noted.names.iter().take(10).count() > 0);
        }
        noted.at(2 * CATALOG_UPDATE_MS);
        assert!(noted.names.is_empty(), "an isolate forgets all names after an hour");
    }
}
