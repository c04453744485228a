//! What leads to a person, and taking it back: `GET /api/admin/users/{id}/identities`, `POST /api/admin/identity/merge`, `POST /api/admin/identity/undo`.

use serde::{Deserialize, Serialize};
use serde_json::json;
use trackmate_wire::ids::key_kind;
use trackmate_wire::limits::{GROUP_PROFILES_MAX, LINKS_ITEMS_MAX, REBUILD_SLICES_MAX};
use trackmate_wire::problem::{Code, Problem};
use worker::console_error;

use crate::domain::clock;
use crate::domain::merged::{Member, below};
use crate::domain::own::Own;
use crate::domain::person::User;
use crate::domain::timeline::{Cursor, Order};
use crate::error::Error;
use crate::http::admin::users::find;
use crate::http::context::Call;
use crate::http::pagination::{self, Pagination};
use crate::http::response::HandlerResult;
use crate::http::{audit, auth, body};
use crate::ingest::identify::address;
use crate::people::turn::{Tries, Turn};
use crate::runtime::random;
use crate::store::merge::{self, Act, Group, News};
use crate::store::people::{self, Profile};
use crate::store::rebuild::{self, Rebuilt};
use crate::store::{self, undo};

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Identities"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    success: bool,
    user_id: String,
    addresses: Vec<Address>,
    external_ids: Vec<External>,
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
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ExternalId"))]
#[serde(rename_all = "camelCase")]
struct External {
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

/// `GET /api/admin/users/{id}/identities?limit&cursor` → `{success, userId, addresses:[{email, profileId, since, endedAt}], externalIds:[{id, profileId, since}], merged:[{profileId, into, email, at}],
/// links:[{messageId, sessionId, at, profileId, events}], pagination}`: the links newest first; each is one that undo takes back.
pub(crate) async fn list(call: &Call, admin: auth::Admin, id: &str) -> HandlerResult {
    let limit = pagination::limit(call, LINKS_ITEMS_MAX)?;
    let cursor = pagination::cursor(call, Cursor::from_text)?.unwrap_or_else(|| Cursor::start(Order::Desc));
    let profile = find(call, &admin.company, id).await?;
    let db = call.db(Some(&admin.company))?;
    let rows = merge::group(db, &admin.company, &profile.id).await?;
    let keys: Vec<String> = rows.iter().flat_map(|row| keys(&row.aliases, row.email.as_deref())).collect();
    let owned = people::addresses(db, &admin.company, &profile.id, &keys).await?;
    let (owned, externals): (Vec<_>, Vec<_>) = owned.into_iter().partition(|known| key_kind(&known.key) == "email");
    let mut links = people::links(db, &admin.company, &profile.id, &cursor, pagination::rows(limit)).await?;
    let pagination = Pagination::cut(&mut links, limit, |l| {
        pagination::write_cursor(&Cursor { ts: l.at, source: 0, id: l.id.clone() }.to_text())
    });
    let merged = rows.into_iter().filter_map(|row| {
        Some(Merged { into: row.winner?, profile_id: row.id, email: row.email, at: clock::iso(row.at) })
    });
    Ok(serde_json::to_string(&Listed {
        success: true,
        user_id: profile.id,
        addresses: owned
            .into_iter()
            .map(|a| Address {
                email: a.key,
                profile_id: a.profile,
                since: clock::iso(a.created_at),
                ended_at: a.ended_at.map(clock::iso),
            })
            .collect(),
        external_ids: externals
            .into_iter()
            .map(|e| External { id: e.key, profile_id: e.profile, since: clock::iso(e.created_at) })
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
    })?)
}

/// The lookup keys of a profile's addresses and user ids.
fn keys(aliases: &str, email: Option<&str>) -> Vec<String> {
    let mut keys: Vec<String> = serde_json::from_str(aliases).unwrap_or_default();
    keys.extend(email.and_then(lookup_key));
    keys
}

/// The group that a profile stands for: itself alone, where nothing was merged into it.
pub(crate) async fn group(call: &Call, company: &str, root: &Profile) -> Result<Vec<Member>, Error> {
    let rows = merge::group(call.db(Some(company))?, company, &root.id).await?;
    let mut members = Vec::with_capacity(rows.len());
    for row in rows {
        let own = match &row.own {
            Some(own) => serde_json::from_str(own)?,
            None => Own::of(&root.person(company)?),
        };
        members.push(Member {
            addresses: keys(&row.aliases, row.email.as_deref()),
            id: row.id,
            winner: row.winner,
            own,
        });
    }
    Ok(members)
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "MergeRequest"))]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedMerge {
    into: Option<String>,
    from: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "MergeAnswer"))]
pub(crate) struct Answer {
    success: bool,
    user: User,
}

/// `POST /api/admin/identity/merge` `{into: userId, from: userId}` → `{success, user}`. From then on the two are one user, `into`; undo parts them again.
pub(crate) async fn merge(call: &Call, admin: auth::Admin) -> HandlerResult {
    let text = body::text(call).await?;
    let wanted: WantedMerge = body::change(&text)?;
    let (into, from) = (body::required(wanted.into, "into")?, body::required(wanted.from, "from")?);
    join(call, &admin.company, &into, &from, "admin").await?;
    audit::target(call, &into);
    let user = find(call, &admin.company, &into).await?.person(&admin.company)?.user();
    Ok(serde_json::to_string(&Answer { success: true, user })?)
}

/// Makes one person of two, unless they are → whether they are one now. `source` is whose key vouches for it: whom an admin took apart, no server makes one
/// again, for what its code says once it says with every request.
pub(crate) async fn join(
    call: &Call,
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
        tries.next(call).await?;
        let (winner, loser) = call.both(find(call, company, into), find(call, company, from)).await;
        let (winner, loser) = (winner?, loser?);
        if winner.id == loser.id {
            return Ok(true);
        }
        let db = call.db(Some(company))?;
        let (winners, losers) = call.both(group(call, company, &winner), group(call, company, &loser)).await;
        let members = (winners?, losers?);
        if source == "server" && merge::is_parted(db, company, &members.0, &members.1).await? {
            return Ok(false);
        }
        if members.0.len() + members.1.len() > GROUP_PROFILES_MAX {
            let message = format!("at most {GROUP_PROFILES_MAX} profiles can stand as one user");
            return Err(Problem::new(Code::LimitReached, message).into());
        }
        let user = brief(&winner.id);
        let data = json!({ "merged": { "id": loser.id } });
        let news = News { id: random::message_id(), name: "user.merged", data, user: &user };
        let act = Act { number: random::number(), now_ms: call.now_ms(), news };
        let pair = (Group { members: &members.0, edit: winner.edit }, Group { members: &members.1, edit: loser.edit });
        let statements = merge::merging(company, pair.0, pair.1, source, &act)?;
        if let Some(outbox) = merge::run(db, company, &winner.id, &statements, &act).await? {
            call.emitted(company, outbox);
            rebuild(call, company, &[&loser.id]).await?;
            return Ok(true);
        }
    }
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "UndoRequest"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WantedUndo {
    message_id: Option<String>,
    profile_id: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "UndoAnswer"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Undone {
    success: bool,
    /// `identify` or `merge`.
    undone: &'static str,
    /// Who has lost what was undone; with `removed`, there is nobody left by this id.
    user_id: String,
    /// Whose it is now; null for nobody.
    to: Option<String>,
    removed: bool,
}

/// `POST /api/admin/identity/undo` `{messageId}` of an identify, or `{profileId}` of a merged profile → `{success, undone, userId, to, removed}`. As if it had not happened,
/// for both people, also where more has happened since.
pub(crate) async fn undo(call: &Call, admin: auth::Admin) -> HandlerResult {
    let text = body::text(call).await?;
    let wanted: WantedUndo = body::change(&text)?;
    let undone = match (wanted.message_id, wanted.profile_id) {
        (Some(message), None) => undo_identify(call, &admin.company, &message).await?,
        (None, Some(profile)) => undo_merge(call, &admin.company, &profile).await?,
        (None, None) | (Some(_), Some(_)) => {
            let message = "send the messageId of an identify or the profileId of a merged profile, one of the two";
            return Err(Problem::field(Code::MissingField, "messageId", message).into());
        }
    };
    audit::target(call, &undone.user_id);
    Ok(serde_json::to_string(&undone)?)
}

async fn undo_identify(call: &Call, company: &str, message: &str) -> Result<Undone, Error> {
    let db = call.db(Some(company))?;
    let mut tries = Tries::default();
    loop {
        tries.next(call).await?;
        let nothing = || Problem::field(Code::NotFound, "messageId", "no identify with this messageId stands");
        let fact = undo::find(db, company, message).await?.ok_or_else(nothing)?;
        let user = brief(&fact.profile);
        let to = fact.heir.as_ref().map(|id| json!({ "id": id }));
        let data = json!({ "messageId": message, "sessionId": fact.session, "to": to });
        let news = News { id: random::message_id(), name: "identity.undone", data, user: &user };
        let act = Act { number: random::number(), now_ms: call.now_ms(), news };
        if let Some(outbox) = undo::undo(db, company, message, &fact, &act).await? {
            call.emitted(company, outbox);
            let removed = rebuild(call, company, &[&fact.profile]).await?.removed;
            return Ok(Undone { success: true, undone: "identify", user_id: fact.profile, to: fact.heir, removed });
        }
    }
}

async fn undo_merge(call: &Call, company: &str, loser: &str) -> Result<Undone, Error> {
    let db = call.db(Some(company))?;
    let mut tries = Tries::default();
    loop {
        tries.next(call).await?;
        let nothing = || Problem::field(Code::NotFound, "profileId", "no merge of this profile stands");
        let root = merge::find(db, company, loser).await?.and_then(|m| m.root).ok_or_else(nothing)?;
        let root = find(call, company, &root).await?;
        let members = group(call, company, &root).await?;
        let parted = below(&members, loser);
        let rest: Vec<&Member> = members.iter().filter(|m| !parted.iter().any(|p| p.id == m.id)).collect();
        let user = brief(&root.id);
        let data = json!({ "parted": { "id": loser } });
        let news = News { id: random::message_id(), name: "user.unmerged", data, user: &user };
        let act = Act { number: random::number(), now_ms: call.now_ms(), news };
        let statements = merge::parting(company, &rest, root.edit, &parted, &act)?;
        if let Some(outbox) = merge::run(db, company, &root.id, &statements, &act).await? {
            call.emitted(company, outbox);
            rebuild(call, company, &[&root.id, loser]).await?;
            return Ok(Undone {
                success: true,
                undone: "merge",
                user_id: root.id,
                to: Some(loser.to_owned()),
                removed: false,
            });
        }
    }
}

/// Rebuilds people whose links changed hands. The change itself is stored: what fails here, the sweep does.
async fn rebuild(call: &Call, company: &str, profiles: &[&str]) -> Result<Rebuilt, Error> {
    let db = call.db(Some(company))?;
    let rebuilt = rebuild::run(db, company, profiles, REBUILD_SLICES_MAX, call.now_ms(), lookup_key).await;
    Ok(rebuilt.unwrap_or_else(|error| {
        console_error!("people were not rebuilt at once, and wait for the sweep: {}", store::brief(&error));
        Rebuilt::default()
    }))
}

/// The lookup key of a stored address.
pub(crate) fn lookup_key(email: &str) -> Option<String> {
    address(email).ok()
}

/// The user of an event about identity: who, no more. The data must not outlive what is undone.
fn brief(id: &str) -> String {
    json!({ "id": id }).to_string()
}
