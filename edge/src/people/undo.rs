//! Undoing an identify or a merge, as if it had not happened.

use serde::Serialize;
use serde_json::json;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::merge_tree::{Member, descendants};
use crate::error::Error;
use crate::people::conflict::retry_on_conflict;
use crate::people::find::find;
use crate::people::merge::{group, rebuild, user_ref};
use crate::runtime::context::Context;
use crate::runtime::random;
use crate::store::merge::{self, IdentityChange, PlatformEvent};
use crate::store::undo;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct UndoAnswer {
    /// `identify` or `merge`.
    undone: &'static str,
    /// Who has lost what was undone; with `removed`, there is nobody left by this id.
    pub(crate) user_id: String,
    /// Whose it is now; null for nobody.
    to: Option<String>,
    removed: bool,
}

/// Undoes the identify with this message id.
///
/// # Errors
/// `not_found`; `busy` after too many conflicts.
pub(crate) async fn identify(cx: &Context, company: &str, message: &str) -> Result<UndoAnswer, Error> {
    let db = cx.db(company)?;
    retry_on_conflict(cx, async || {
        let nothing = || Problem::field(Code::NotFound, "messageId", "no identify with this messageId stands");
        let link = undo::find(db, company, message).await?.ok_or_else(nothing)?;
        let user = user_ref(&link.profile);
        let to = link.next_owner.as_ref().map(|id| json!({ "id": id }));
        let data = json!({ "messageId": message, "sessionId": link.session, "to": to });
        let event = PlatformEvent { id: random::message_id(), name: "identity.undone", data, user: &user };
        let change = IdentityChange { stamp: cx.stamp(), event };
        let Some(outbox) = undo::undo(db, company, message, &link, &change).await? else { return Ok(None) };
        cx.dispatch_later(company, outbox);
        let removed = rebuild(cx, company, &[&link.profile]).await?.removed;
        let (user_id, to) = (link.profile, link.next_owner);
        Ok(Some(UndoAnswer { undone: "identify", user_id, to, removed }))
    })
    .await
}

/// Undoes the merge of the profile `loser` into another.
///
/// # Errors
/// `not_found`, `erased_user`; `busy` after too many conflicts.
pub(crate) async fn merge(cx: &Context, company: &str, loser: &str) -> Result<UndoAnswer, Error> {
    let db = cx.db(company)?;
    retry_on_conflict(cx, async || {
        let nothing = || Problem::field(Code::NotFound, "profileId", "no merge of this profile stands");
        let root = merge::find(db, company, loser).await?.and_then(|m| m.root).ok_or_else(nothing)?;
        let root = find(cx, company, &root).await?;
        let members = group(cx, company, &root).await?;
        let unmerged = descendants(&members, loser);
        let rest: Vec<&Member> = members.iter().filter(|m| !unmerged.iter().any(|p| p.id == m.id)).collect();
        let user = user_ref(&root.id);
        let data = json!({ "parted": { "id": loser } });
        let event = PlatformEvent { id: random::message_id(), name: "user.unmerged", data, user: &user };
        let change = IdentityChange { stamp: cx.stamp(), event };
        let statements = merge::unmerge_statements(company, &rest, root.revision, &unmerged, &change)?;
        let Some(outbox) = merge::run(db, company, &root.id, &statements, &change).await? else { return Ok(None) };
        cx.dispatch_later(company, outbox);
        rebuild(cx, company, &[&root.id, loser]).await?;
        let (user_id, to) = (root.id, Some(loser.to_owned()));
        Ok(Some(UndoAnswer { undone: "merge", user_id, to, removed: false }))
    })
    .await
}
