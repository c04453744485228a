//! Erases a person (`DELETE /api/admin/users/{id}`), shows the receipt, and lifts a tombstone.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::request_body;
use crate::domain::{clock, tombstone};
use crate::http::context::RequestContext;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::http::{auth, body};
use crate::people::erase::erase;
use crate::people::identity_key::address;
use crate::people::identity_key::external;
use crate::store::erasures;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ErasureAnswer {
    receipt: ErasureReceipt,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct ErasureReceipt {
    user_id: String,
    erased_at: String,
    complete: bool,
    completed_at: Option<String>,
    counts: Box<RawValue>,
}

/// `DELETE /api/admin/users/{id}` → `{success, receipt: {userId, erasedAt, complete, completedAt,
/// counts}}`. No route shows the person from then on. The sweep deletes what is too much for one
/// request. A repeat answers the same receipt.
pub(crate) async fn delete(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let id = erase(cx, &admin.company, id).await?;
    get(cx, admin, &id).await
}

/// `GET /api/admin/users/{id}/erasure` → the answer of `DELETE`, with its current state.
pub(crate) async fn get(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let found = erasures::find(cx.db(&admin.company)?, &admin.company, id).await?;
    let erasure = found.ok_or_else(|| Problem::new(Code::NotFound, "no user of this company was erased by this id"))?;
    let receipt = ErasureReceipt {
        user_id: erasure.profile,
        erased_at: clock::iso(erasure.erased_at),
        complete: erasure.completed_at.is_some(),
        completed_at: erasure.completed_at.map(clock::iso),
        counts: RawValue::from_string(erasure.counts)?,
    };
    response::answer(&ErasureAnswer { receipt })
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LiftRequest {
    email: Option<String>,
    /// The company's own id, in place of an address.
    external_id: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LiftAnswer {
    lifted: bool,
}

/// `DELETE /api/admin/tombstones` `{email}` or `{externalId}` → `{success, lifted}`. From then on
/// the address or the id can lead to a new profile. `lifted` is false if it was not erased.
pub(crate) async fn lift(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let request: LiftRequest = request_body::change(&body::text(cx).await?)?;
    let key = match request.external_id.filter(|_| request.email.is_none()) {
        Some(id) => external(&request_body::required(Some(id), "externalId")?)?,
        None => address(&request_body::required(request.email, "email")?)?,
    };
    let hash = tombstone::of_key(&admin.company, &key);
    let lifted = erasures::lift(cx.db(&admin.company)?, &admin.company, &hash).await?;
    response::answer(&LiftAnswer { lifted })
}
