//! One timer, set to the time at which the core next has something to do.

use std::cell::Cell;
use wasm_bindgen::prelude::*;

/// Longest `setTimeout` that browsers take, in milliseconds; the core looks again then and asks for the rest.
const TIMEOUT_MS_MAX: f64 = 2_147_483_647.0;

#[derive(Debug)]
pub(crate) struct Timer {
    wake: Closure<dyn Fn()>,
    set: Cell<Option<(i32, u64)>>,
}

impl Timer {
    pub(crate) fn new(wake: impl Fn() + 'static) -> Self {
        Self { wake: Closure::new(wake), set: Cell::new(None) }
    }

    /// Replaces the earlier wish, unless it was for the same time and that has yet to come.
    pub(crate) fn set(&self, at_ms: Option<u64>) {
        let Some(window) = web_sys::window() else { return };
        let now_ms = js_sys::Date::now();
        if let Some((handle, earlier_ms)) = self.set.take() {
            if at_ms == Some(earlier_ms) && now_ms < earlier_ms as f64 {
                return self.set.set(Some((handle, earlier_ms)));
            }
            window.clear_timeout_with_handle(handle);
        }
        if let Some(at_ms) = at_ms {
            let delay_ms = (at_ms as f64 - now_ms).clamp(0.0, TIMEOUT_MS_MAX) as i32;
            let callback = self.wake.as_ref().unchecked_ref();
            let handle = window.set_timeout_with_callback_and_timeout_and_arguments_0(callback, delay_ms);
            self.set.set(handle.ok().map(|handle| (handle, at_ms)));
        }
    }
}
