//! How often events violated their company's plan, gathered in the isolate and written down every
//! few seconds. An isolate that dies takes the last seconds' counts with it: they are a help to
//! people, not a ledger.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use trackmate_wire::limits::{CONNECTIONS_MAX, PLAN_VIOLATIONS_HELD, PLAN_VIOLATIONS_ISOLATE};
use worker::{Delay, Env, console_error};

use crate::domain::incoming;
use crate::domain::plan::{Reason, Violation};
use crate::store;
use crate::store::plans::{self, Tally};

/// Milliseconds between two writings.
const EVERY_MS: u64 = 3000;

/// By event, field and reason: how often, and when last, ms.
type Kinds = BTreeMap<(String, String, Reason), (i64, i64)>;

thread_local! {
    /// By company.
    static SEEN: RefCell<BTreeMap<String, Kinds>> = const { RefCell::new(BTreeMap::new()) };
}

/// Counts violations, each with its event's name; `true` when these are the first since the last
/// writing: then somebody must call [`write_down`].
#[must_use]
pub(crate) fn count(company: &str, found: Vec<(String, Violation)>, now_ms: i64) -> bool {
    SEEN.with_borrow_mut(|seen| {
        let first = seen.is_empty();
        for (event, violation) in found {
            let all: usize = seen.values().map(Kinds::len).sum();
            let kinds = seen.entry(company.to_owned()).or_default();
            let [event, field] = [&event, &violation.field].map(|name| incoming::name_kept(name).to_owned());
            let kind = (event, field, violation.reason);
            let is_full = kinds.len() >= PLAN_VIOLATIONS_HELD || all >= PLAN_VIOLATIONS_ISOLATE;
            if is_full && !kinds.contains_key(&kind) {
                continue;
            }
            let (count, last) = kinds.entry(kind).or_default();
            *count += 1;
            *last = now_ms.max(*last);
        }
        first && !seen.is_empty()
    })
}

/// Waits a little, then writes what was gathered.
pub(crate) async fn write_down(env: Env) {
    Delay::from(Duration::from_millis(EVERY_MS)).await;
    // Side by side: a database that does not answer holds up its own companies alone.
    let written = SEEN.take().into_iter().map(|(company, kinds)| write(&env, company, kinds));
    stream::iter(written).for_each_concurrent(CONNECTIONS_MAX, |written| written).await;
}

async fn write(env: &Env, company: String, kinds: Kinds) {
    let tally = |((event, field, reason), (count, last_ms)): ((String, String, Reason), (i64, i64))| Tally {
        event,
        field,
        reason: reason.as_str(),
        count,
        last_ms,
    };
    let tallies: Vec<Tally> = kinds.into_iter().map(tally).collect();
    let added = async { plans::count(&store::database(env, Some(&company))?, &company, &tallies).await };
    if let Err(error) = added.await {
        console_error!("{} kinds of violations were not counted: {}", tallies.len(), store::brief(&error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_isolate_gathers_of_violations_has_a_bound_over_all_companies() {
        for company in 0..20 {
            let found = (0..PLAN_VIOLATIONS_HELD + 5).map(|n| {
                (
                    format!("e{n}"),
                    Violation { field: "eventData.a".into(), reason: Reason::WrongType, message: String::new() },
                )
            });
            let _ = count(&format!("TM-{company}"), found.collect(), 1);
        }
        SEEN.with_borrow(|seen| {
            assert_eq!(seen.values().map(Kinds::len).sum::<usize>(), PLAN_VIOLATIONS_ISOLATE);
            assert!(seen.values().all(|kinds| kinds.len() <= PLAN_VIOLATIONS_HELD));
        });
    }
}
