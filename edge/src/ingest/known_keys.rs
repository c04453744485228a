//! The server keys that this isolate has accepted, each with its company and the version of the
//! tracking plan. They are hints: the batch that stores the events checks the key again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use trackmate_wire::limits::KEYS_KNOWN_MAX;

use crate::store::people::Resolved;

/// What the isolate expects of a key.
pub(crate) struct KnownKey {
    pub(crate) company: String,
    /// The version of the tracking plan in force; 0 for none.
    pub(crate) plan: i64,
}

thread_local! {
    /// By the hash of the key.
    static KNOWN: RefCell<BTreeMap<String, Rc<KnownKey>>> = const { RefCell::new(BTreeMap::new()) };
}

/// What the isolate expects of the key with this hash.
pub(crate) fn find(hash: &str) -> Option<Rc<KnownKey>> {
    KNOWN.with_borrow(|known| known.get(hash).cloned())
}

/// Stores what was read of an accepted key.
pub(crate) fn remember(hash: &str, resolved: &Resolved) {
    KNOWN.with_borrow_mut(|known| {
        if known.get(hash).is_some_and(|key| key.plan == resolved.plan && key.company == resolved.key.company) {
            return;
        }
        if known.len() >= KEYS_KNOWN_MAX {
            known.pop_first();
        }
        let key = KnownKey { company: resolved.key.company.clone(), plan: resolved.plan };
        known.insert(hash.to_owned(), Rc::new(key));
    });
}

/// Forgets a key that was refused.
pub(crate) fn forget(hash: &str) {
    KNOWN.with_borrow_mut(|known| drop(known.remove(hash)));
}
