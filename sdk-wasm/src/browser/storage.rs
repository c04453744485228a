//! localStorage, which may be closed (privacy settings, sandboxed frames) or full. Then the session lives in memory, as long as
//! the page, and unsent calls live in the core alone.

use crate::session::STORAGE_KEY;
use std::cell::RefCell;
use web_sys::Window;

/// The browser's storage, or what stands in for it.
#[derive(Debug)]
pub(crate) struct Storage {
    area: Option<web_sys::Storage>,
    session: RefCell<Option<String>>,
}

impl Storage {
    pub(crate) fn open(window: &Window, session: Option<String>) -> Self {
        Self { area: window.local_storage().ok().flatten(), session: RefCell::new(session) }
    }

    pub(crate) fn get(&self, key: &str) -> Option<String> {
        let stored = self.area.as_ref().and_then(|area| area.get_item(key).ok().flatten());
        stored.or_else(|| self.session.borrow().clone().filter(|_| key == STORAGE_KEY))
    }

    pub(crate) fn set(&self, key: &str, value: &str) {
        let stored = self.area.as_ref().is_some_and(|area| area.set_item(key, value).is_ok());
        if key == STORAGE_KEY {
            self.session.replace((!stored).then(|| value.to_owned()));
        }
    }

    pub(crate) fn remove(&self, key: &str) {
        if let Some(area) = &self.area {
            let _ = area.remove_item(key); // A call that stays stored is sent again and recognised by its message id.
        }
    }

    pub(crate) fn under(&self, prefix: &str) -> Vec<(String, String)> {
        let Some(area) = &self.area else { return vec![] };
        (0..area.length().unwrap_or(0))
            .filter_map(|index| area.key(index).ok().flatten())
            .filter(|key| key.starts_with(prefix))
            .filter_map(|key| area.get_item(&key).ok().flatten().map(|value| (key, value)))
            .collect()
    }
}
