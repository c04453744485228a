//! Whether the deployment works, for upgrades, load balancers and monitoring: `/healthz` says that
//! the Worker runs, and `/readyz` that it can store.
//!
//! Anyone may ask. So an isolate asks D1 only once in a while, and answers all others from memory.
//! It writes nothing: a write would cost a row each time, and a small one still finds room in a
//! database that refuses events. A database is full if it is as large as it may be, or if it was
//! too full for a request of this isolate a moment ago.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Serialize;
use trackmate_wire::limits::{READY_FULL_MS, READY_KNOWN_MS, READY_WAIT_MS};
use trackmate_wire::problem::{Code, Problem};
use worker::Delay;

use crate::error::{self, Error};
use crate::http::context::RequestContext;
use crate::http::response::{self, VERSION};
use crate::http::route::HandlerResult;
use crate::store::{self, schema};

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HealthAnswer {
    /// The version of the Worker.
    version: &'static str,
    /// The schema that this version needs: the number of its newest migration.
    schema: u32,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReadyAnswer {
    /// The version of the Worker.
    version: &'static str,
    /// The schema that this version needs: the number of its newest migration.
    schema: u32,
    /// The schema that the database has.
    database_schema: u32,
}

/// `GET /healthz` → `{success, version, schema}`.
pub(crate) async fn live(_cx: &RequestContext) -> HandlerResult {
    response::answer(&HealthAnswer { version: VERSION, schema: schema::NEEDED })
}

/// What an isolate found out about the database.
#[derive(Debug, Clone, Copy)]
enum Database {
    /// It answers, and has this schema.
    Answers(u32),
    /// It answers, but is as large as it may be.
    Full,
    /// It does not answer.
    Unreachable,
}

thread_local! {
    /// What this isolate found out last, and when it asked, ms.
    static KNOWN: Cell<Option<(i64, Database)>> = const { Cell::new(None) };
    /// When this isolate last noticed that a request had found the database full, ms; 0: never.
    static FULL_AT: Cell<i64> = const { Cell::new(0) };
}

/// `GET /readyz` → `{success, version, schema, databaseSchema}` if D1 answers, has the schema that
/// this version needs, and has room. It may have a newer schema: an older Worker runs on it.
pub(crate) async fn ready(cx: &RequestContext) -> HandlerResult {
    let now = cx.now_ms();
    if error::take_full_seen() {
        FULL_AT.set(now);
    }
    let database = match KNOWN.get() {
        Some((at, known)) if now - at < READY_KNOWN_MS => known,
        last => {
            // Requests that come meanwhile get the last answer, if there is one.
            KNOWN.set(last.map(|(_, known)| (now, known)));
            let found = look(cx).await;
            KNOWN.set(Some((now, found)));
            found
        }
    };
    match database {
        Database::Unreachable => {
            Err(Problem::new(Code::Unavailable, "the database does not answer; try again later").into())
        }
        Database::Full => Err(full()),
        Database::Answers(_) if now - FULL_AT.get() < READY_FULL_MS => Err(full()),
        Database::Answers(found) if found < schema::NEEDED => Err(Problem::new(
            Code::SchemaOutdated,
            format!("the database has schema {found}, and version {VERSION} needs {}", schema::NEEDED),
        )
        .into()),
        Database::Answers(database_schema) => {
            response::answer(&ReadyAnswer { version: VERSION, schema: schema::NEEDED, database_schema })
        }
    }
}

fn full() -> Error {
    Problem::new(Code::StorageFull, "the database is full: events are refused until there is room").into()
}

/// Asks the database for its schema, and reads its size from the answer. A failure is logged.
async fn look(cx: &RequestContext) -> Database {
    let asked = pin!(async {
        let db = cx.directory()?;
        let found = schema::applied(db).await?;
        let is_full = found >= schema::NEEDED && db.bytes() >= db.bytes_max();
        Ok(if is_full { Database::Full } else { Database::Answers(found) })
    });
    let found = match select(asked, pin!(Delay::from(Duration::from_millis(READY_WAIT_MS)))).await {
        Either::Left((Ok(found), _)) => return found,
        Either::Left((Err(error), _)) => Error::Down(store::brief(&error)),
        Either::Right(_) => Error::Down(format!("no answer within {READY_WAIT_MS} ms")),
    };
    found.log("the look at the database");
    Database::Unreachable
}
