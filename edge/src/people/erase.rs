//! Erasing a person.

use trackmate_wire::limits::ERASE_SLICES_MAX;
use trackmate_wire::problem::{Code, Problem};
use worker::console_error;

use crate::error::Error;
use crate::runtime::context::Context;
use crate::runtime::random;
use crate::store::{self, erasures, people};

/// Tries of an erasure whose person is edited at the same time.
const RACES_MAX: usize = 5;

/// Erases the person at once, and as much of their data as one request may. The sweep deletes the
/// rest. → The id of the root profile of the merged group.
///
/// # Errors
/// `unknown_user`; `conflict` if the person is edited all the time.
pub(crate) async fn erase(cx: &Context, company: &str, id: &str) -> Result<String, Error> {
    let id = begin(cx, company, id).await?;
    let db = cx.db(company)?;
    for _ in 0..ERASE_SLICES_MAX {
        match erasures::slice(db, company, &id, cx.now_ms()).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                // The person is erased already. The sweep deletes the rest.
                console_error!("request {}: an erasure was not finished: {}", cx.request_id(), store::brief(&error));
                break;
            }
        }
    }
    Ok(id)
}

/// Erases the person and everyone merged into them, unless that was done before. → The id of the
/// root profile.
async fn begin(cx: &Context, company: &str, id: &str) -> Result<String, Error> {
    let db = cx.db(company)?;
    for _ in 0..RACES_MAX {
        let found = people::profile(db, company, id).await?;
        let read = found.ok_or_else(|| Problem::new(Code::UnknownUser, "no user of this company has this id"))?;
        if read.erased_at.is_some() {
            return Ok(read.id);
        }
        let notice = random::message_id();
        if let Some(outbox) = erasures::begin(db, company, &read, cx.stamp(), &notice).await? {
            cx.dispatch_later(company, outbox);
            return Ok(read.id);
        }
    }
    Err(Problem::new(Code::Conflict, "the user is being edited by many at once; try again").into())
}
