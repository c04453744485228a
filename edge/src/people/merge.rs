//! Making one person of two.

use serde_json::json;
use trackmate_wire::limits::{GROUP_PROFILES_MAX, REBUILD_SLICES_MAX};
use trackmate_wire::problem::{Code, Problem};
use worker::console_error;

use crate::domain::merged::Member;
use crate::domain::trusted_data::TrustedData;
use crate::error::Error;
use crate::people::find::find;
use crate::people::identity_key::lookup_key;
use crate::people::turn::{Tries, Turn};
use crate::runtime::context::Context;
use crate::runtime::random;
use crate::store;
use crate::store::merge::{self, Act, Group, News};
use crate::store::people::Profile;
use crate::store::rebuild::{self, Rebuilt};

/// The lookup keys of a profile's addresses and user ids.
pub(crate) fn keys(aliases: &str, email: Option<&str>) -> Vec<String> {
    let mut keys: Vec<String> = serde_json::from_str(aliases).unwrap_or_default();
    keys.extend(email.and_then(lookup_key));
    keys
}

/// The group that a profile stands for: itself alone, where nothing was merged into it.
pub(crate) async fn group(cx: &Context, company: &str, root: &Profile) -> Result<Vec<Member>, Error> {
    let rows = merge::group(cx.db(Some(company))?, company, &root.id).await?;
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

/// Makes one person of two, unless they are → whether they are one now. `source` is whose key
/// vouches for it: whom an admin took apart, no server makes one again, for what its code says once
/// it says with every request.
pub(crate) async fn join(
    cx: &Context,
    company: &str,
    into: &str,
    from: &str,
    source: &'static str,
) -> Result<bool, Error> {
    // In one order, so that no two wait for each other.
    let _first = Turn::of(company, into.min(from)).await?;
    let _second = if into == from { None } else { Some(Turn::of(company, into.max(from)).await?) };
    let mut tries = Tries::default();
    loop {
        tries.next(cx).await?;
        let (winner, loser) = cx.both(find(cx, company, into), find(cx, company, from)).await;
        let (winner, loser) = (winner?, loser?);
        if winner.id == loser.id {
            return Ok(true);
        }
        let db = cx.db(Some(company))?;
        let (winners, losers) = cx.both(group(cx, company, &winner), group(cx, company, &loser)).await;
        let members = (winners?, losers?);
        if source == "server" && merge::is_blocked(db, company, &members.0, &members.1).await? {
            return Ok(false);
        }
        if members.0.len() + members.1.len() > GROUP_PROFILES_MAX {
            let message = format!("at most {GROUP_PROFILES_MAX} profiles can stand as one user");
            return Err(Problem::new(Code::LimitReached, message).into());
        }
        let user = brief(&winner.id);
        let data = json!({ "merged": { "id": loser.id } });
        let news = News { id: random::message_id(), name: "user.merged", data, user: &user };
        let act = Act { number: random::number(), now_ms: cx.now_ms(), news };
        let pair = (
            Group { members: &members.0, revision: winner.revision },
            Group { members: &members.1, revision: loser.revision },
        );
        let statements = merge::merging(company, pair.0, pair.1, source, &act)?;
        if let Some(outbox) = merge::run(db, company, &winner.id, &statements, &act).await? {
            cx.emitted(company, outbox);
            rebuild(cx, company, &[&loser.id]).await?;
            return Ok(true);
        }
    }
}

/// Rebuilds people whose links changed hands. The change itself is stored: what fails here, the
/// sweep does.
pub(crate) async fn rebuild(cx: &Context, company: &str, profiles: &[&str]) -> Result<Rebuilt, Error> {
    let db = cx.db(Some(company))?;
    let rebuilt = rebuild::run(db, company, profiles, REBUILD_SLICES_MAX, cx.now_ms(), lookup_key).await;
    Ok(rebuilt.unwrap_or_else(|error| {
        console_error!("people were not rebuilt at once, and wait for the sweep: {}", store::brief(&error));
        Rebuilt::default()
    }))
}

/// The user of an event about identity: who, no more. The data must not outlive what is undone.
pub(crate) fn brief(id: &str) -> String {
    json!({ "id": id }).to_string()
}
