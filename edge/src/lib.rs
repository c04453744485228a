//! The Worker: its three entry points, and the map of the crate.
//!
//! - [`vars`]: the deployment's variables.
//! - [`domain`]: the rules, pure.
//! - [`store`]: D1, one statement a file.
//! - [`runtime`]: Cloudflare's runtime. [`error`]: why a request failed.
//! - [`credentials`]: whether a key that was found may do what it is used for.
//! - [`delivery`]: from the outbox to the receivers. [`people`]: edits and merges. [`ingest`]:
//!   events and identifies. [`export`]: exports.
//! - [`jobs`]: work that a timer or a queue starts. [`http`]: work that a request starts.

pub(crate) mod credentials;
pub mod delivery;
pub mod domain;
pub(crate) mod error;
pub(crate) mod export;
pub mod http;
pub(crate) mod ingest;
pub mod jobs;
#[cfg(test)]
mod openapi;
pub(crate) mod people;
pub mod runtime;
pub mod store;
pub mod vars;

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use worker::{
    Context, Env, MessageBatch, MessageExt, RawMessage, Request, Response, ScheduleContext, ScheduledEvent,
    console_error, event,
};

use crate::delivery::wakeup::Wakeup;
use crate::ingest::outage_buffer::BufferedMessage;
use crate::jobs::drain_outage_buffer::QueueItem;

thread_local! {
    /// Whether this isolate has answered a request.
    static STARTED: Cell<bool> = const { Cell::new(false) };
}

/// The start of an isolate. Futures are woken by `queueMicrotask` if the runtime has it, and by a
/// promise if not: the same queue, but in this runtime a promise costs a tenth.
#[event(start)]
fn start() {
    let hidden = js_sys::Reflect::set(&js_sys::global(), &"queueMicrotask".into(), &JsValue::UNDEFINED);
    debug_assert!(hidden.is_ok(), "a global of the runtime can be replaced");
}

/// HTTP. The first request of an isolate also recovers deliveries that a crashed one may have left.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    if !STARTED.replace(true) {
        context.wait_until(jobs::sweep::start(env.clone()));
    }
    http::handle(request, env, context).await
}

/// A batch of one of the queues. The dead-letter queue is known by its name, the others by the
/// format of their messages. An error here would run the whole batch again, so each message is
/// acknowledged or retried by itself. A wake-up is always acknowledged: D1 knows which deliveries
/// are still due.
#[event(queue)]
async fn queue(batch: MessageBatch<JsValue>, env: Env, context: Context) -> worker::Result<()> {
    if batch.queue().ends_with(jobs::drain_outage_buffer::GIVEN_UP) {
        let text = |message: RawMessage| (message.body().as_string().unwrap_or_default(), message);
        jobs::drain_outage_buffer::give_up(&env, batch.raw_iter().map(text).collect()).await;
        return Ok(());
    }
    let (mut wakeups, mut items, mut cells, mut moves) = (Vec::new(), Vec::new(), Vec::new(), false);
    for message in batch.raw_iter() {
        let text = message.body().as_string().unwrap_or_default();
        if let Some(wakeup) = Wakeup::read(&text) {
            wakeups.push(wakeup);
            message.ack();
        } else if let Some(cell) = jobs::sweep::ordered(&text) {
            cells.push(cell);
            message.ack();
        } else if runtime::move_queue::is_message(&text) {
            moves = true;
            message.ack();
        } else if let Some(buffered) = BufferedMessage::read(&text) {
            items.push(QueueItem { message, text, buffered });
        } else {
            // It may have a newer version. It is not lost: it ends in the dead-letter queue.
            console_error!("a message of an unknown form was retried");
            message.retry();
        }
    }
    let context = Rc::new(context);
    if moves {
        context.wait_until(jobs::mover::run(env.clone()));
    }
    delivery::dispatch::woken(&env, &context, wakeups).await;
    jobs::drain_outage_buffer::store(&env, &context, items).await;
    jobs::sweep::ordered_cells(&env, &cells).await;
    runtime::counters::write_later(&env, &context, runtime::clock::now_ms());
    Ok(())
}

/// Cron, once a minute.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    jobs::sweep::run(&env).await;
}
