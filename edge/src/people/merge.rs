//! Merging two people into one.

use serde_json::json;
use trackmate_wire::limits::GROUP_PROFILES_MAX;
use trackmate_wire::problem::{Code, Problem};
use worker::console_error;

use crate::domain::merge_tree::Member;
use crate::domain::secret::Scope;
use crate::domain::trusted_data::TrustedData;
use crate::error::Error;
use crate::people::conflict::retry_on_conflict;
use crate::people::find::find;
use crate::people::identity_key::lookup_key;
use crate::people::person_lock::PersonLock;
use crate::runtime::context::Context;
use crate::runtime::random;
use crate::store;
use crate::store::merge::{self, Group, IdentityChange, PlatformEvent};
use crate::store::people::Profile;
use crate::store::rebuild::{self, Rebuilt};

/// The identity keys of a profile: its `aliases` (a JSON array) and its address.
pub(crate) fn keys(aliases: &str, email: Option<&str>) -> Vec<String> {
    let mut keys: Vec<String> = serde_json::from_str(aliases).unwrap_or_default();
    keys.extend(email.and_then(lookup_key));
    keys
}

/// The merged group of a root profile: the profile itself first, then those merged into it.
pub(crate) async fn group(cx: &Context, company: &str, root: &Profile) -> Result<Vec<Member>, Error> {
    let rows = merge::group(cx.db(company)?, company, &root.id).await?;
    let mut members = Vec::with_capacity(rows.len());
    for row in rows {
        let own = match &row.trusted_data {
            Some(own) => serde_json::from_str(own)?,
            None => TrustedData::of(&root.person(company)?),
        };
        members.push(Member {
            addresses: keys(&row.aliases, row.email.as_deref()),
            id: row.id,
            winner: row.winner,
            trusted_data: own,
        });
    }
    Ok(members)
}

/// Merges the profile `from` into `into`. → Whether they are one person now. `scope` is that of
/// the key. A server cannot merge again what an admin has unmerged, because its code would do so
/// with every request.
///
/// # Errors
/// `unknown_user`, `erased_user`; `limit_reached` if the group would be too large; `busy` after too
/// many conflicts.
pub(crate) async fn join(cx: &Context, company: &str, into: &str, from: &str, scope: Scope) -> Result<bool, Error> {
    // Always in the same order, so that two merges cannot deadlock.
    let _first = PersonLock::acquire(company, into.min(from)).await?;
    let _second = if into == from { None } else { Some(PersonLock::acquire(company, into.max(from)).await?) };
    retry_on_conflict(cx, async || {
        let (winner, loser) = cx.both(find(cx, company, into), find(cx, company, from)).await;
        let (winner, loser) = (winner?, loser?);
        if winner.id == loser.id {
            return Ok(Some(true));
        }
        let db = cx.db(company)?;
        let (winners, losers) = cx.both(group(cx, company, &winner), group(cx, company, &loser)).await;
        let members = (winners?, losers?);
        if scope == Scope::Server && merge::is_blocked(db, company, &members.0, &members.1).await? {
            return Ok(Some(false));
        }
        if members.0.len() + members.1.len() > GROUP_PROFILES_MAX {
            let message = format!("at most {GROUP_PROFILES_MAX} profiles can stand as one user");
            return Err(Problem::new(Code::LimitReached, message).into());
        }
        let user = user_ref(&winner.id);
        let data = json!({ "merged": { "id": loser.id } });
        let event = PlatformEvent { id: random::message_id(), name: "user.merged", data, user: &user };
        let change = IdentityChange { stamp: cx.stamp(), event };
        let pair = (
            Group { members: &members.0, revision: winner.revision },
            Group { members: &members.1, revision: loser.revision },
        );
        let statements = merge::merge_statements(company, pair.0, pair.1, scope, &change)?;
        let Some(outbox) = merge::run(db, company, &winner.id, &statements, &change).await? else { return Ok(None) };
        cx.dispatch_later(company, outbox);
        rebuild(cx, company, &[&loser.id]).await?;
        Ok(Some(true))
    })
    .await
}

/// Rebuilds people whose links have a new owner. The change itself is stored, so an error is only
/// logged: the sweep rebuilds them later.
pub(crate) async fn rebuild(cx: &Context, company: &str, profiles: &[&str]) -> Result<Rebuilt, Error> {
    let db = cx.db(company)?;
    let rebuilt = rebuild::run(db, company, profiles, cx.now_ms(), lookup_key).await;
    Ok(rebuilt.unwrap_or_else(|error| {
        console_error!("people were not rebuilt at once, and wait for the sweep: {}", store::brief(&error));
        Rebuilt::default()
    }))
}

/// The user object of an identity event: only the id. Other data must not outlive an undo.
pub(crate) fn user_ref(id: &str) -> String {
    json!({ "id": id }).to_string()
}
