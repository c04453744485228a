//! Erasing a person: `DELETE /api/admin/users/{id}` and its receipt, and lifting a tombstone.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use trackmate_wire::limits::ERASE_SLICES_MAX;
use trackmate_wire::problem::{Code, Problem};
use worker::console_error;

use crate::domain::{clock, tombstone};
use crate::error::Error;
use crate::http::context::Call;
use crate::http::response::HandlerResult;
use crate::http::{auth, body};
use crate::ingest::identify::{address, external};
use crate::runtime::random;
use crate::store::{self, erasures, people};

/// How often an erasure reads its person again because an edit came in between.
const RACES_MAX: usize = 5;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ErasureAnswer"))]
pub(crate) struct Answer {
    success: bool,
    receipt: Receipt,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ErasureReceipt"))]
#[serde(rename_all = "camelCase")]
struct Receipt {
    user_id: String,
    erased_at: String,
    complete: bool,
    completed_at: Option<String>,
    counts: Box<RawValue>,
}

/// `DELETE /api/admin/users/{id}` → `{success, receipt: {userId, erasedAt, complete, completedAt, counts}}`. The person is gone at once; what is too much for
/// one request, the sweep deletes. Asked again it answers the same receipt.
pub(crate) async fn delete(call: &Call, admin: auth::Admin, id: &str) -> HandlerResult {
    let company = &admin.company;
    let id = begin(call, company, id).await?;
    let db = call.db(Some(company))?;
    for _ in 0..ERASE_SLICES_MAX {
        match erasures::slice(db, company, &id, call.now_ms()).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                // The person is gone; the rest is the sweep's.
                console_error!("request {}: an erasure was not finished: {}", call.request_id(), store::brief(&error));
                break;
            }
        }
    }
    get(call, admin, &id).await
}

/// Erases the person, unless that was done, and whoever was merged into them; the id of the profile that stood for all.
async fn begin(call: &Call, company: &str, id: &str) -> Result<String, Error> {
    let db = call.db(Some(company))?;
    for _ in 0..RACES_MAX {
        let found = people::profile(db, company, id).await?;
        let read = found.ok_or_else(|| Problem::new(Code::UnknownUser, "no user of this company has this id"))?;
        if read.erased_at.is_some() {
            return Ok(read.id);
        }
        let (number, notice) = (random::number(), random::message_id());
        if let Some(outbox) = erasures::begin(db, company, &read, number, call.now_ms(), &notice).await? {
            call.emitted(company, outbox);
            return Ok(read.id);
        }
    }
    Err(Problem::new(Code::Conflict, "the user is being edited by many at once; try again").into())
}

/// `GET /api/admin/users/{id}/erasure` → as `DELETE` answered, as it stands now.
pub(crate) async fn get(call: &Call, admin: auth::Admin, id: &str) -> HandlerResult {
    let found = erasures::find(call.db(Some(&admin.company))?, &admin.company, id).await?;
    let erasure = found.ok_or_else(|| Problem::new(Code::NotFound, "no user of this company was erased by this id"))?;
    let receipt = Receipt {
        user_id: erasure.profile,
        erased_at: clock::iso(erasure.erased_at),
        complete: erasure.completed_at.is_some(),
        completed_at: erasure.completed_at.map(clock::iso),
        counts: RawValue::from_string(erasure.counts)?,
    };
    Ok(serde_json::to_string(&Answer { success: true, receipt })?)
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "LiftRequest"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Lifted {
    email: Option<String>,
    /// The company's own id, in place of an address.
    external_id: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "LiftAnswer"))]
pub(crate) struct LiftedAnswer {
    success: bool,
    lifted: bool,
}

/// `DELETE /api/admin/tombstones` `{email}` or `{externalId}` → `{success, lifted}`: whoever has the address or the id may come again, as somebody new. `lifted` is false where it was
/// not erased.
pub(crate) async fn lift(call: &Call, admin: auth::Admin) -> HandlerResult {
    let wanted: Lifted = body::change(&body::text(call).await?)?;
    let key = match wanted.external_id.filter(|_| wanted.email.is_none()) {
        Some(id) => external(&body::required(Some(id), "externalId")?)?,
        None => address(&body::required(wanted.email, "email")?)?,
    };
    let hash = tombstone::address(&admin.company, &key);
    let lifted = erasures::lift(call.db(Some(&admin.company))?, &admin.company, &hash).await?;
    Ok(serde_json::to_string(&LiftedAnswer { success: true, lifted })?)
}
