//! Lists the identity keys, merges and links of a person (`GET /api/admin/users/{id}/identities`),
//! merges users (`POST /api/admin/identity/merge`), and undoes an identify or a merge (`POST
//! /api/admin/identity/undo`).

use serde::{Deserialize, Serialize};
use trackmate_wire::api::Pagination;
use trackmate_wire::ids::key_kind;
use trackmate_wire::limits::LINKS_ITEMS_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::person::User;
use crate::domain::secret::Scope;
use crate::domain::source::Source;
use crate::domain::timeline::{Cursor, Order};
use crate::domain::{clock, request_body};
use crate::http::context::RequestContext;
use crate::http::pagination;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::http::{auth, body};
use crate::people::find::find;
use crate::people::merge::{join, keys};
use crate::people::undo;
use crate::store::{identity_keys, merge as merges, timeline};

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identities {
    user_id: String,
    addresses: Vec<Address>,
    external_ids: Vec<ExternalId>,
    merged: Vec<Merged>,
    links: Vec<Link>,
    pagination: Pagination,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Address {
    email: String,
    /// The profile it was given to.
    profile_id: String,
    since: String,
    /// When the person gave it up; it leads to them until somebody else has it.
    ended_at: Option<String>,
}

/// A company's own id for a person.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct ExternalId {
    id: String,
    /// The profile it was given to.
    profile_id: String,
    since: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Merged {
    profile_id: String,
    into: String,
    email: Option<String>,
    at: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Link {
    message_id: String,
    session_id: String,
    at: String,
    /// As whom the session was identified.
    profile_id: String,
    /// How many events are the person's by it.
    events: i64,
}

/// `GET /api/admin/users/{id}/identities?limit&cursor` → `{success, userId, addresses:[{email,
/// profileId, since, endedAt}], externalIds:[{id, profileId, since}], merged:[{profileId, into,
/// email, at}], links:[{messageId, sessionId, at, profileId, events}], pagination}`. The links are
/// newest first, and undo can remove each of them.
pub(crate) async fn list(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let limit = pagination::limit(cx, LINKS_ITEMS_MAX)?;
    let cursor = pagination::cursor(cx, Cursor::from_text)?.unwrap_or_else(|| Cursor::start(Order::Desc));
    let profile = find(cx, &admin.company, id).await?;
    let db = cx.db(&admin.company)?;
    let rows = merges::group(db, &admin.company, &profile.id).await?;
    let keys: Vec<String> = rows.iter().flat_map(|row| keys(&row.aliases, row.email.as_deref())).collect();
    let keys = identity_keys::addresses(db, &admin.company, &profile.id, &keys).await?;
    let (addresses, external_ids): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|known| key_kind(&known.key) == "email");
    let mut links = timeline::links(db, &admin.company, &profile.id, &cursor, pagination::rows(limit)).await?;
    let pagination = pagination::cut(&mut links, limit, |l| {
        pagination::write_cursor(&Cursor { ts: l.at, source: Source::Browser, id: l.id.clone() }.to_text())
    });
    let merged = rows.into_iter().filter_map(|row| {
        Some(Merged { into: row.winner?, profile_id: row.id, email: row.email, at: clock::iso(row.at) })
    });
    response::answer(&Identities {
        user_id: profile.id,
        addresses: addresses
            .into_iter()
            .map(|a| Address {
                email: a.key,
                profile_id: a.profile,
                since: clock::iso(a.created_at),
                ended_at: a.ended_at.map(clock::iso),
            })
            .collect(),
        external_ids: external_ids
            .into_iter()
            .map(|e| ExternalId { id: e.key, profile_id: e.profile, since: clock::iso(e.created_at) })
            .collect(),
        merged: merged.collect(),
        links: links
            .into_iter()
            .map(|l| Link {
                message_id: l.id,
                session_id: l.session,
                at: clock::iso(clock::ts_ms(l.at)),
                profile_id: l.profile,
                events: l.events,
            })
            .collect(),
        pagination,
    })
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeRequest {
    into: Option<String>,
    from: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MergeAnswer {
    user: User,
}

/// `POST /api/admin/identity/merge` `{into: userId, from: userId}` → `{success, user}`. From then
/// on the two are one user, `into`. Undo separates them again.
pub(crate) async fn merge(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let text = body::text(cx).await?;
    let request: MergeRequest = request_body::change(&text)?;
    let (into, from) = (request_body::required(request.into, "into")?, request_body::required(request.from, "from")?);
    join(cx, &admin.company, &into, &from, Scope::Admin).await?;
    cx.set_audit_target(&into);
    let user = find(cx, &admin.company, &into).await?.person(&admin.company)?.user();
    response::answer(&MergeAnswer { user })
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UndoRequest {
    message_id: Option<String>,
    profile_id: Option<String>,
}

/// `POST /api/admin/identity/undo` `{messageId}` of an identify, or `{profileId}` of a merged
/// profile → `{success, undone, userId, to, removed}`. Both people are then as if it had never
/// happened, even if more has happened since.
pub(crate) async fn undo(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let text = body::text(cx).await?;
    let request: UndoRequest = request_body::change(&text)?;
    let undone = match (request.message_id, request.profile_id) {
        (Some(message), None) => undo::identify(cx, &admin.company, &message).await?,
        (None, Some(profile)) => undo::merge(cx, &admin.company, &profile).await?,
        (None, None) | (Some(_), Some(_)) => {
            let message = "send the messageId of an identify or the profileId of a merged profile, one of the two";
            return Err(Problem::field(Code::MissingField, "messageId", message).into());
        }
    };
    cx.set_audit_target(&undone.user_id);
    response::answer(&undone)
}
