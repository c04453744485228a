//! The only place that knows a browser: carries out the core's effects and brings it the page's calls, timers, answers and its
//! hiding. Decides nothing.

mod net;
mod storage;
mod timer;

use crate::core::{Core, Effect, Moment, Settlement};
use crate::session::STORAGE_KEY;
use js_sys::{Error, Function, Object, Promise, Reflect};
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use storage::Storage;
use timer::Timer;
use wasm_bindgen::prelude::*;

/// A page with the SDK in it. It lives as long as the page does, so the listeners it hands out are never taken back.
pub(crate) struct Page {
    core: RefCell<Core>,
    storage: Storage,
    timer: Timer,
    tickets: Cell<u32>,
    promises: RefCell<BTreeMap<u32, (Function, Function)>>,
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.core.fmt(f)
    }
}

impl Page {
    pub(crate) fn open(session: Option<String>) -> Result<Rc<Self>, JsError> {
        let window = web_sys::window().ok_or_else(|| JsError::new("there is no window"))?;
        let document = window.document().ok_or_else(|| JsError::new("there is no document"))?;
        let page = Rc::new_cyclic(|page: &std::rc::Weak<Self>| {
            let page = page.clone();
            let wake = move || {
                if let Some(page) = page.upgrade() {
                    page.run(|core, moment| core.wake(moment));
                }
            };
            Self {
                core: RefCell::default(),
                storage: Storage::open(&window, session),
                timer: Timer::new(wake),
                tickets: Cell::new(0),
                promises: RefCell::default(),
            }
        });
        for (target, event) in [(document.as_ref(), "visibilitychange"), (window.as_ref(), "pagehide")] {
            let (page, document) = (page.clone(), document.clone());
            listen(target, event, move |event| {
                let going = event == "pagehide" || document.visibility_state() == web_sys::VisibilityState::Hidden;
                if going {
                    page.run(|core, moment| core.hide(moment));
                }
            })?;
        }
        Ok(page)
    }

    /// What earlier pages stored under this prefix.
    pub(crate) fn stored(&self, prefix: &str) -> Vec<(String, String)> {
        self.storage.under(prefix)
    }

    /// One step of the core, then its effects: in this order, so that a page's own code that an effect calls may call the SDK.
    pub(crate) fn step<T>(
        self: &Rc<Self>,
        at: f64,
        step: impl FnOnce(&mut Core, &Moment) -> (T, Vec<Effect>),
    ) -> Result<T, JsError> {
        let moment = Moment {
            now_ms: at as u64,
            message_bits: random_bits()?,
            session_bits: random_bits()?,
            session: self.storage.get(STORAGE_KEY),
        };
        let (value, effects) = step(&mut self.core.borrow_mut(), &moment);
        effects.into_iter().for_each(|effect| self.perform(effect));
        Ok(value)
    }

    /// A step that ends a promise, now or later.
    pub(crate) fn promise(
        self: &Rc<Self>,
        at: f64,
        step: impl FnOnce(&mut Core, u32, &Moment) -> Vec<Effect>,
    ) -> Result<Promise, JsError> {
        let ticket = self.tickets.get().wrapping_add(1);
        self.tickets.set(ticket);
        let promise = Promise::new(&mut |resolve, reject| {
            self.promises.borrow_mut().insert(ticket, (resolve, reject));
        });
        self.step(at, |core, moment| ((), step(core, ticket, moment)))?;
        Ok(promise)
    }

    /// A step that the browser asked for; there is nobody to hand a failure to.
    fn run(self: &Rc<Self>, step: impl FnOnce(&mut Core, &Moment) -> Vec<Effect>) {
        if self.step(js_sys::Date::now(), |core, moment| ((), step(core, moment))).is_err() {
            warn("the browser gave no random numbers");
        }
    }

    fn perform(self: &Rc<Self>, effect: Effect) {
        match effect {
            Effect::Send(request) => {
                let page = self.clone();
                net::post(&request.url, &request.body, move |answer| {
                    page.run(|core, moment| core.answered(request.id, answer, moment));
                });
            }
            Effect::Wake(at) => self.timer.set(at),
            Effect::Store { key, value } => self.storage.set(&key, &value),
            Effect::Forget(key) => self.storage.remove(&key),
            Effect::Settle(ticket, end) => {
                if let Some((resolve, reject)) = self.promises.borrow_mut().remove(&ticket) {
                    settle(&resolve, &reject, end);
                }
            }
            Effect::Warn(text) => warn(&text),
        }
    }
}

/// Reads an options object; none at all is as good as an empty one.
pub(crate) fn options<T: DeserializeOwned + Default>(value: JsValue) -> Result<T, JsError> {
    if value.is_undefined() || value.is_null() {
        return Ok(T::default());
    }
    Ok(serde_wasm_bindgen::from_value(value)?)
}

/// Both functions only queue a promise's reactions, so their results say nothing.
fn settle(resolve: &Function, reject: &Function, end: Settlement) {
    let _ = match end {
        Settlement::Flushed(all) => resolve.call1(&JsValue::UNDEFINED, &all.into()),
        Settlement::Identified(profile_id) => {
            let who = Object::new();
            let _ = Reflect::set(&who, &"profileId".into(), &profile_id.into());
            resolve.call1(&JsValue::UNDEFINED, &who)
        }
        Settlement::Failed { code, message } => {
            let error = Error::new(&message);
            let _ = Reflect::set(&error, &"code".into(), &code.into());
            reject.call1(&JsValue::UNDEFINED, &error)
        }
    };
}

fn warn(text: &str) {
    web_sys::console::warn_1(&format!("TrackMate: {text}").into());
}

fn random_bits() -> Result<[u8; 16], JsError> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)?;
    Ok(bits)
}

fn listen(target: &web_sys::EventTarget, event: &'static str, heard: impl Fn(&str) + 'static) -> Result<(), JsError> {
    let listener = Closure::<dyn Fn()>::new(move || heard(event)).into_js_value();
    target
        .add_event_listener_with_callback(event, listener.unchecked_ref())
        .map_err(|_| JsError::new("the page cannot be listened to"))
}
