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
use std::rc::Rc;

use wasm_bindgen::JsValue;
use worker::{
    Context, Env, MessageBatch, MessageExt, RawMessage, Request, Response, ScheduleContext, ScheduledEvent,
    console_error, event,
};

use http::spill::Kept;
use jobs::refill::Spilled;
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

/// A batch of one of the queues; its messages say which. An error here would run the whole batch again, so each is acknowledged or retried for itself.
/// A wake-up is acknowledged whatever comes of it: D1 knows what is still due.
#[event(queue)]
async fn queue(batch: MessageBatch<JsValue>, env: Env, context: Context) -> worker::Result<()> {
    if batch.queue().ends_with(jobs::refill::GIVEN_UP) {
        let text = |message: RawMessage| (message.body().as_string().unwrap_or_default(), message);
        jobs::refill::give_up(&env, batch.raw_iter().map(text).collect()).await;
        return Ok(());
    }
    let (mut wakes, mut spilled) = (Vec::new(), Vec::new());
    for message in batch.raw_iter() {
        let text = message.body().as_string().unwrap_or_default();
        if let Some(wake) = Wake::read(&text) {
            wakes.push(wake);
            message.ack();
        } else if let Some(kept) = Kept::read(&text) {
            spilled.push(Spilled { message, text, kept });
        } else {
            // Of another version, perhaps: it is not lost, the dead-letter queue has it in the end.
            console_error!("a message of an unknown form was retried");
            message.retry();
        }
    }
    let context = Rc::new(context);
    jobs::deliver::woken(&env, &context, wakes).await;
    jobs::refill::store(&env, &context, spilled).await;
    Ok(())
}

/// Cron, once a minute.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    jobs::sweep::run(&env).await;
}
