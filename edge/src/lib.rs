//! The Worker: its three entry points, and the map of the crate.
//!
//! - [`http`]: requests in. One file a feature: route, parse, call, map.
//! - [`domain`]: the rules, pure.
//! - [`store`]: D1, one statement a file.
//! - [`jobs`]: attempts at deliveries, the sweep.
//! - [`outbound`]: the only fetch of a customer's URL. [`vault`]: what seals its secrets. [`entropy`]: random numbers.

pub mod domain;
pub mod entropy;
pub mod http;
pub mod jobs;
pub mod outbound;
pub mod store;
pub mod vault;

use std::cell::Cell;

use wasm_bindgen::JsValue;
use worker::{Context, Env, MessageBatch, Request, Response, ScheduleContext, ScheduledEvent, event};

use jobs::wake::Wake;

thread_local! {
    /// Whether this isolate has answered a request.
    static STARTED: Cell<bool> = const { Cell::new(false) };
}

/// HTTP. The first request of an isolate also finds what the one before may have left.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    if !STARTED.replace(true) {
        context.wait_until(jobs::sweep::start(env.clone()));
    }
    http::handle(request, env, context).await
}

/// Wake-ups. Each message is acknowledged whatever came of it: D1 knows what is still due, and an error here would
/// run the whole batch again.
#[event(queue)]
async fn queue(batch: MessageBatch<JsValue>, env: Env, context: Context) -> worker::Result<()> {
    let wakes: Vec<Wake> = batch.raw_iter().filter_map(|message| Wake::read(&message.body().as_string()?)).collect();
    jobs::deliver::woken(&env, &context, wakes).await;
    batch.ack_all();
    Ok(())
}

/// Cron, once a minute.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    jobs::sweep::run(&env).await;
}
