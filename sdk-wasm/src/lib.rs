//! The JavaScript surface of TrackMate's browser SDK, and nothing else: what the page's few lines of TypeScript (`js/`) call once
//! the wasm is there. They take every call the moment it is made, with its time and a copy of its data as JSON; from there on
//! it is decided in `core`, which is plain Rust without a browser in it, and carried out in `browser`.

mod browser;
mod core;
mod encode;
mod limits;
mod outbox;
mod retry;
mod session;

use browser::Page;
use wasm_bindgen::prelude::*;

/// The SDK of one page. Times are milliseconds since the epoch, as `Date.now()` gives them.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Engine(std::rc::Rc<Page>);

#[wasm_bindgen]
impl Engine {
    /// Takes over the page. `session` is the stored form of the session that was chosen before the wasm was ready; it counts
    /// only where the browser's storage is closed.
    #[wasm_bindgen(constructor)]
    pub fn new(session: Option<String>) -> Result<Engine, JsError> {
        Page::open(session).map(Engine)
    }

    /// Says where events go: `{flushInterval?, batchSize?}` in `options`.
    pub fn init(&self, company_id: &str, api_url: &str, options: JsValue, at: f64) -> Result<(), JsError> {
        let options = browser::options(options)?;
        let stored = self.0.stored(&outbox::key_prefix(company_id));
        self.0.step(at, |core, moment| ((), core.init(company_id, api_url, &options, &stored, moment)))
    }

    /// Queues an event: `data` is JSON, `options` `{timestamp?, messageId?}` with an ISO 8601 time.
    pub fn track(&self, name: &str, data: &str, options: JsValue, at: f64) -> Result<(), JsError> {
        let options = browser::options(options)?;
        self.0.step(at, |core, moment| ((), core.track(name, data, options, moment)))
    }

    /// Says who the visitor is: `traits` is a JSON object. The promise ends with `{profileId}` or an `Error` that has a `code`.
    pub fn identify(&self, traits: &str, options: JsValue, at: f64) -> Result<js_sys::Promise, JsError> {
        let options = browser::options(options)?;
        self.0.promise(at, |core, ticket, moment| core.identify(traits, options, ticket, moment))
    }

    /// The session's id.
    #[wasm_bindgen(js_name = getSessionId)]
    pub fn session_id(&self, at: f64) -> Result<String, JsError> {
        self.0.step(at, |core, moment| core.session_id(moment))
    }

    /// Begins a new session: `session`, in its stored form, if one has been chosen already.
    pub fn reset(&self, session: Option<String>, at: f64) -> Result<(), JsError> {
        self.0.step(at, |core, moment| ((), core.reset(session.as_deref(), moment)))
    }

    /// Sends what waits. The promise ends with `true` when all of it is done, `false` when a try failed.
    pub fn flush(&self, at: f64) -> Result<js_sys::Promise, JsError> {
        self.0.promise(at, |core, ticket, moment| core.flush(ticket, moment))
    }
}
