//! How often event names were seen, gathered in the isolate and written down every few seconds, so that counting costs a request nothing. An isolate that
//! dies takes the last seconds' counts with it: the catalogue is a help to people, not a ledger.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use worker::{Delay, Env, console_error};

use crate::domain::incoming;
use crate::store;
use crate::store::catalog::{self, Tally};

/// Milliseconds between two writings.
const EVERY_MS: u64 = 3000;

/// By name: how often, and when last, ms.
type Names = BTreeMap<String, (i64, i64)>;

thread_local! {
    /// By company.
    static SEEN: RefCell<BTreeMap<String, Names>> = const { RefCell::new(BTreeMap::new()) };
}

/// Counts names; `true` when these are the first since the last writing: then somebody must call [`write_down`].
#[must_use]
pub fn count<'a>(company: &str, names: impl Iterator<Item = &'a str>, now_ms: i64) -> bool {
    SEEN.with_borrow_mut(|seen| {
        let first = seen.is_empty();
        for name in names {
            let names = seen.entry(company.to_owned()).or_default();
            let (count, last) = names.entry(incoming::name_kept(name).to_owned()).or_default();
            *count += 1;
            *last = now_ms.max(*last);
        }
        first && !seen.is_empty()
    })
}

/// Waits a little, then writes what was gathered.
pub async fn write_down(env: Env) {
    Delay::from(Duration::from_millis(EVERY_MS)).await;
    for (company, names) in SEEN.take() {
        let tallies: Vec<Tally> =
            names.into_iter().map(|(name, (count, last_ms))| Tally { name, count, last_ms }).collect();
        let added = async { catalog::add(&store::database(&env, Some(&company))?, &company, &tallies).await };
        if let Err(error) = added.await {
            console_error!("{} event names were not counted: {}", tallies.len(), store::brief(&error));
        }
    }
}
