//! Counts violations of tracking plans. The counts are collected in the isolate and written every
//! few seconds. An isolate that ends early loses its last counts: they need not be exact.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use trackmate_wire::limits::{CONNECTIONS_MAX, PLAN_VIOLATIONS_ISOLATE, PLAN_VIOLATIONS_UNWRITTEN_MAX};
use worker::{Delay, Env, console_error};

use crate::domain::incoming;
use crate::domain::plan::{Reason, Violation};
use crate::store;
use crate::store::plans::{self, ViolationCount};

/// Milliseconds between two writes.
const WRITE_EVERY_MS: u64 = 3000;

/// By event, field and reason: the number of violations, and the time of the last one, ms.
type Violations = BTreeMap<(String, String, Reason), (i64, i64)>;

thread_local! {
    /// By company.
    static COUNTS: RefCell<BTreeMap<String, Violations>> = const { RefCell::new(BTreeMap::new()) };
}

/// Counts violations, each with its event's name. → Whether these are the first since the last
/// write: then the caller must call [`write_counts`].
#[must_use]
pub(crate) fn count(company: &str, found: Vec<(String, Violation)>, now_ms: i64) -> bool {
    COUNTS.with_borrow_mut(|counts| {
        let first = counts.is_empty();
        for (event, violation) in found {
            let all: usize = counts.values().map(Violations::len).sum();
            let kinds = counts.entry(company.to_owned()).or_default();
            let [event, field] = [&event, &violation.field].map(|name| incoming::name_kept(name).to_owned());
            let kind = (event, field, violation.reason);
            let is_full = kinds.len() >= PLAN_VIOLATIONS_UNWRITTEN_MAX || all >= PLAN_VIOLATIONS_ISOLATE;
            if is_full && !kinds.contains_key(&kind) {
                continue;
            }
            let (count, last) = kinds.entry(kind).or_default();
            *count += 1;
            *last = now_ms.max(*last);
        }
        first && !counts.is_empty()
    })
}

/// Waits `WRITE_EVERY_MS`, then writes the counts.
pub(crate) async fn write_counts(env: Env) {
    Delay::from(Duration::from_millis(WRITE_EVERY_MS)).await;
    // In parallel: a database that does not answer delays only its own companies.
    let written = COUNTS.take().into_iter().map(|(company, kinds)| write(&env, company, kinds));
    stream::iter(written).for_each_concurrent(CONNECTIONS_MAX, |written| written).await;
}

async fn write(env: &Env, company: String, kinds: Violations) {
    let to_count = |((event, field, reason), (count, last_ms)): ((String, String, Reason), (i64, i64))| {
        ViolationCount { event, field, reason: reason.as_str(), count, last_ms }
    };
    let counts: Vec<ViolationCount> = kinds.into_iter().map(to_count).collect();
    let added = async { plans::count(&store::database(env, Some(&company))?, &company, &counts).await };
    if let Err(error) = added.await {
        console_error!("{} kinds of violations were not counted: {}", counts.len(), store::brief(&error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_isolate_counts_a_bounded_number_of_violations_over_all_companies() {
        for company in 0..20 {
            let found = (0..PLAN_VIOLATIONS_UNWRITTEN_MAX + 5).map(|n| {
                (
                    format!("e{n}"),
                    Violation { field: "eventData.a".into(), reason: Reason::WrongType, message: String::new() },
                )
            });
            let _ = count(&format!("TM-{company}"), found.collect(), 1);
        }
        COUNTS.with_borrow(|counts| {
            assert_eq!(counts.values().map(Violations::len).sum::<usize>(), PLAN_VIOLATIONS_ISOLATE);
            assert!(counts.values().all(|kinds| kinds.len() <= PLAN_VIOLATIONS_UNWRITTEN_MAX));
        });
    }
}
