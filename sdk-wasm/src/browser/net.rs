//! Requests: a POST that browsers send without asking first (text/plain, so no preflight), that may outlive its page, and whose
//! answer is read as far as the core needs it.

use crate::retry::{Answer, AnswerBody};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{RequestInit, Response};

/// Starts the request before it returns (a hiding page may not get another turn) and hands over its answer later.
pub(crate) fn post(url: &str, body: &str, answered: impl FnOnce(Answer) + 'static) {
    let Some(window) = web_sys::window() else { return };
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&body.into());
    set(&init, "keepalive", true.into());
    set(&init, "credentials", "omit".into());
    let request = window.fetch_with_str_and_init(url, &init);
    spawn_local(async move {
        let answer = match JsFuture::from(request).await.map(Response::from) {
            Ok(response) => read(&response).await,
            Err(_) => Answer::default(),
        };
        answered(answer);
    });
}

/// Fields that web-sys has no setter for, or only one that brings a whole enum along.
fn set(init: &RequestInit, field: &str, value: JsValue) {
    let _ = js_sys::Reflect::set(init, &field.into(), &value);
}

async fn read(response: &Response) -> Answer {
    let mut body = None;
    if let Ok(json) = response.json() {
        body = JsFuture::from(json).await.ok().and_then(|json| serde_wasm_bindgen::from_value::<AnswerBody>(json).ok());
    }
    Answer { status: response.status(), retry_after_ms: retry_after_ms(response), body }
}

/// `Retry-After`: seconds, or a date.
fn retry_after_ms(response: &Response) -> Option<u64> {
    let wish = response.headers().get("retry-after").ok()??;
    match wish.parse::<u64>() {
        Ok(seconds) => seconds.checked_mul(1_000),
        Err(_) => Some((js_sys::Date::parse(&wish) - js_sys::Date::now()) as u64), // No date (NaN), or a past one, is 0.
    }
}
