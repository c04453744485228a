//! Working people out again from their links, in slices: after an identify was taken back, and
//! after people were merged or parted. Each slice reads some links, gives those that are another's
//! by now to whoever they are, and adds the identifies of the others to what was found ([`Found`]).
//! The last one stores it. So a slice costs the same however many links a person has; what a
//! request leaves is the sweep's.

use serde::Deserialize;
use serde_json::{Value, json};
use trackmate_wire::limits::{
    REBUILD_LINKS_MAX, REBUILD_SERVER_EVENTS_MAX, REBUILD_SWEEP_SLICES_MAX, TRAITS_BYTES_MAX, TRAITS_MEMBERS_MAX,
};

use super::{Batch, Db, Result, Statement, sql};
use crate::domain::person::traits;
use crate::domain::rebuild::{Found, Identify};

/// A rebuilding, as it was read.
#[derive(Debug, Deserialize)]
pub struct Rebuild {
    /// Slices done.
    pub step: i64,
    /// JSON of [`Found`].
    pub found: String,
    /// Message id of the event that says why.
    pub notice: String,
    /// The identify that made the profile.
    pub created_by_identify: Option<String>,
    /// The address as typed.
    pub email: Option<String>,
    /// JSON array of further lookup keys.
    pub aliases: String,
    /// 1 if the person was erased meanwhile.
    pub erased: i64,
}

/// A link of the person, with its identify.
#[derive(Debug, Deserialize)]
pub struct Link {
    session: String,
    at: i64,
    id: String,
    last_ts: Option<i64>,
    origin: Option<String>,
    owner: String,
    received_at: Option<i64>,
    #[serde(rename = "type")]
    kind: Option<String>,
    data: Option<String>,
}

/// Whose rebuilding is under way.
#[derive(Debug, Deserialize)]
pub struct Open {
    /// Whose user.
    pub company: String,
    /// Who.
    pub profile: String,
}

/// What a slice does.
#[derive(Debug)]
pub struct Slice {
    /// Its batch.
    pub statements: Vec<Statement>,
    /// The place in it of the statement that answers a row if the profile went.
    pub vanishes: Option<usize>,
    /// Who was given links, and is rebuilt from them next.
    pub given: Vec<String>,
}

/// Who is to be rebuilt, and when.
#[derive(Debug)]
pub struct Opening<'a> {
    /// The person.
    pub profile: &'a str,
    /// Only if this profile has this edit.
    pub guard: Option<(&'a str, i64)>,
    /// 1 if the profile goes when nothing is left of it, 0 if not, or the message id of the
    /// identify without which it does.
    pub vanish: Value,
    /// Whose rebuilding comes first, for it may give this person links.
    pub waits_for: Option<&'a str>,
    /// Message id of the event that says why.
    pub notice: &'a str,
}

impl Opening<'_> {
    /// The statements that have the person rebuilt.
    #[must_use]
    pub fn statements(self, company: &str, now_ms: i64) -> [Statement; 2] {
        let Self { profile, guard, vanish, waits_for, notice } = self;
        let (root, number) = guard.unzip();
        let open = json!([company, profile, root, number, now_ms, vanish, notice, waits_for]);
        [Statement::new(sql::REBUILD_OPEN, open), Statement::new(sql::REBUILD_MARK, json!([company, profile, now_ms]))]
    }
}

/// The statements that read the next slice: a [`Rebuild`], and `most` [`Link`]s.
#[must_use]
pub fn reading(company: &str, profile: &str, most: usize) -> [Statement; 2] {
    [
        Statement::new(sql::REBUILD_FIND, json!([company, profile])),
        Statement::new(sql::REBUILD_LINKS, json!([company, profile, most])),
    ]
}

/// What a slice of at most `most` links that was read does. `key` makes the lookup key of an
/// address.
///
/// # Errors
/// When something stored is not JSON.
pub fn slice(
    company: &str,
    profile: &str,
    read: &Rebuild,
    links: &[Link],
    most: usize,
    now_ms: i64,
    key: impl Fn(&str) -> Option<String>,
) -> Result<Slice> {
    let mut found: Found = serde_json::from_str(&read.found)?;
    let mut given: Vec<(String, Vec<Value>)> = Vec::new();
    for link in links {
        if link.owner != profile {
            let place = json!([link.session, link.at, link.id]);
            match given.iter_mut().find(|(owner, _)| *owner == link.owner) {
                Some((_, places)) => places.push(place),
                None => given.push((link.owner.clone(), vec![place])),
            }
        } else if read.erased == 0
            && let (Some(received), Some(data)) = (link.received_at, &link.data)
        {
            found.creator_stands |= read.created_by_identify.as_ref() == Some(&link.id);
            found.add(Identify {
                stamp: (received, link.at, link.id.clone()),
                is_own: link.origin.as_ref().is_none_or(|origin| origin == profile),
                claims: (link.kind.as_deref() == Some("identify")).then_some(data),
                name: name(data),
            });
        }
    }
    let mut statements = Vec::new();
    let (mut owners, mut both) = (Vec::new(), vec![profile.to_owned()]);
    for (owner, places) in given {
        let places = Value::Array(places).to_string();
        let moved = json!([company, profile, owner, places, read.step]);
        statements
            .push(Statement::new(sql::PROFILES_MOVE, json!([company, profile, owner, places, read.step, now_ms])));
        statements.push(Statement::new(sql::LINKS_MOVE, moved));
        let opening = Opening { profile: &owner, guard: None, vanish: json!(0), waits_for: None, notice: &read.notice };
        statements.extend(opening.statements(company, now_ms));
        both.push(owner.clone());
        owners.push(owner);
    }
    if !owners.is_empty() {
        statements.push(Statement::new(sql::PROFILES_LAST, json!([company, json!(both).to_string()])));
    }
    let is_last = links.len() < most;
    let vanishes = match links.last() {
        Some(last) if !is_last => {
            let found = serde_json::to_string(&found)?;
            let place =
                json!([company, profile, read.step, found, last.last_ts, last.session, last.at, last.id, now_ms]);
            statements.push(Statement::new(sql::REBUILD_STEP, place));
            None
        }
        Some(_) | None => Some(end(company, profile, read, &found, now_ms, key, &mut statements)),
    };
    Ok(Slice { statements, vanishes, given: owners })
}

/// Stores what was found, and lets the profile go if nothing is left of it → the place of the
/// statement that says so.
fn end(
    company: &str,
    profile: &str,
    read: &Rebuild,
    found: &Found,
    now_ms: i64,
    key: impl Fn(&str) -> Option<String>,
    statements: &mut Vec<Statement>,
) -> usize {
    let (first, own) = found.first();
    let own = own.map(|(received, ts, id)| json!([received, ts, id]).to_string());
    statements.push(Statement::new(
        sql::PROFILE_REBUILD,
        json!([
            company,
            profile,
            read.step,
            found.traits(),
            found.name(),
            first.map(|(_, ts, _)| ts),
            first.map(|(.., id)| id),
            first.map(|(received, ..)| received),
            own,
            i64::from(found.creator_stands),
            REBUILD_SERVER_EVENTS_MAX,
            TRAITS_BYTES_MAX,
            TRAITS_MEMBERS_MAX,
            now_ms
        ]),
    ));
    statements.push(Statement::new(sql::LINKS_UNRESERVE, json!([company, profile, read.step])));
    let vanishes = statements.len();
    statements.push(Statement::new(sql::PROFILE_VANISH, json!([company, profile, read.step])));
    let mut keys: Vec<String> = serde_json::from_str(&read.aliases).unwrap_or_default();
    keys.extend(read.email.as_deref().and_then(key));
    statements.extend(keys.iter().map(|key| Statement::new(sql::IDENTITY_VANISH, json!([company, key, profile]))));
    statements.push(Statement::new(sql::SEARCH_VANISH, json!([company, profile])));
    statements.push(Statement::new(sql::ERASURE_VANISHED, json!([company, profile, now_ms, read.notice])));
    statements.push(Statement::new(sql::REBUILD_END, json!([company, profile, read.step])));
    vanishes
}

/// The name in an entry's data.
fn name(data: &str) -> Option<String> {
    let name = traits(data).ok()?.remove("name")?;
    let name: String = serde_json::from_str(name.get()).ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// What came of rebuilding.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rebuilt {
    /// Whether the first of the profiles went, because nothing was left of it.
    pub removed: bool,
    /// Slices done.
    pub slices: usize,
}

/// Rebuilds people, and whoever is given links of theirs, until that is done or `most` slices are.
/// The sweep goes on.
///
/// # Errors
/// D1's; nothing of the slice was written then.
pub async fn run(
    db: &Db,
    company: &str,
    profiles: &[&str],
    most: usize,
    now_ms: i64,
    key: impl Fn(&str) -> Option<String>,
) -> Result<Rebuilt> {
    let mut waiting: Vec<String> = profiles.iter().rev().map(|profile| (*profile).to_owned()).collect();
    let mut rebuilt = Rebuilt::default();
    while let Some(profile) = waiting.last().cloned() {
        if rebuilt.slices >= most {
            break;
        }
        rebuilt.slices += 1;
        let [read, links] = reading(company, &profile, REBUILD_LINKS_MAX);
        let mut batch = Batch::default();
        let read = batch.read_first::<Rebuild>(db.bind_all(&[read])?);
        let links = batch.read_first::<Link>(db.bind_all(&[links])?);
        let answers = db.run_batch(batch).await?;
        let Some(read) = answers.first(&read)? else {
            waiting.pop();
            continue;
        };
        let links = answers.rows(&links)?;
        let slice = slice(company, &profile, &read, &links, REBUILD_LINKS_MAX, now_ms, &key)?;
        let answers = db.batch(db.bind_all(&slice.statements)?).await?;
        for owner in slice.given {
            if !waiting.contains(&owner) {
                waiting.insert(0, owner);
            }
        }
        if let Some(place) = slice.vanishes {
            let went = answers.get(place).map(super::Answer::rows::<Value>).transpose()?.is_some_and(|r| !r.is_empty());
            rebuilt.removed |= went && profiles.first() == Some(&profile.as_str());
            waiting.pop();
        }
    }
    Ok(rebuilt)
}

/// Goes on with what requests left: a slice of each person, those first that waited longest. One
/// that fails holds up no other. Serves the sweep; hence no company.
///
/// # Errors
/// D1's; the last one's, where several fail.
pub async fn sweep(db: &Db, now_ms: i64, key: impl Fn(&str) -> Option<String>) -> Result<()> {
    let open: Vec<Open> = db.run(sql::REBUILD_OLDEST, &[REBUILD_SWEEP_SLICES_MAX.into()]).await?.rows()?;
    let mut swept = Ok(());
    for Open { company, profile } in open {
        swept = run(db, &company, &[&profile], 1, now_ms, &key).await.map(drop).and(swept);
    }
    swept
}
