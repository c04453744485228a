//! Rebuilds people from their links, in slices, after an undone identify, a merge or an undone
//! merge. Each slice reads some links. It moves links that now belong to other people, and adds the
//! identifies of the remaining links to the result so far ([`Found`]). The last slice stores the
//! result. So the cost of a slice does not depend on the number of links. The sweep does what the
//! request leaves.

use serde::Deserialize;
use serde_json::{Value, json};
use trackmate_wire::limits::{
    REBUILD_LINKS_MAX, REBUILD_SERVER_EVENTS_MAX, REBUILD_SLICES_MAX, REBUILD_SWEEP_SLICES_MAX, TRAITS_BYTES_MAX,
    TRAITS_MEMBERS_MAX,
};

use super::{Batch, Db, Result, Statement, sql};
use crate::domain::person::traits;
use crate::domain::rebuild::{Found, Identify};

/// The rebuild of a person as read.
#[derive(Debug, Deserialize)]
pub struct Rebuild {
    /// Number of slices done.
    pub step: i64,
    /// JSON of [`Found`].
    pub found: String,
    /// Message id of the platform event about the change.
    pub notice: String,
    /// Message id of the identify that created the profile.
    pub created_by_identify: Option<String>,
    /// The address as typed.
    pub email: Option<String>,
    /// JSON array of the other lookup keys.
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

/// A rebuild in progress.
#[derive(Debug, Deserialize)]
pub struct Open {
    /// Its company.
    pub company: String,
    /// Its profile.
    pub profile: String,
}

/// The work of one slice.
#[derive(Debug)]
pub struct Slice {
    /// The statements of its batch.
    pub statements: Vec<Statement>,
    /// The position of the statement that returns a row if it deletes the profile.
    pub vanishes: Option<usize>,
    /// The people who got links and must be rebuilt next.
    pub given: Vec<String>,
}

/// The start of a rebuild.
#[derive(Debug)]
pub struct Opening<'a> {
    /// The person.
    pub profile: &'a str,
    /// The rebuild starts only if this profile has this revision.
    pub guard: Option<(&'a str, i64)>,
    /// 1 if the profile is deleted when nothing is left of it, and 0 if not. A message id means: 1
    /// if that identify created the profile.
    pub vanish: Value,
    /// The profile to rebuild first, because that may give links to this one.
    pub waits_for: Option<&'a str>,
    /// Message id of the platform event about the change.
    pub notice: &'a str,
}

impl Opening<'_> {
    /// The statements that start the rebuild.
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

/// Makes the lookup key of an address; `None` if it is no address.
pub type LookupKey = fn(&str) -> Option<String>;

/// People who get links, each with the places of these links.
type Given = Vec<(String, Vec<Value>)>;

/// A rebuild as read, from which the work of the next slice follows.
#[derive(Debug)]
pub struct Progress<'a> {
    /// The company of the person.
    pub company: &'a str,
    /// The person.
    pub profile: &'a str,
    /// The rebuild so far.
    pub read: &'a Rebuild,
    /// ms.
    pub now_ms: i64,
    /// Makes the lookup key of an address.
    pub key: LookupKey,
}

impl Progress<'_> {
    /// The work of the next slice, from the links that were read, at most `most`.
    ///
    /// # Errors
    /// When something stored is not JSON.
    pub fn slice(&self, links: &[Link], most: usize) -> Result<Slice> {
        let Self { company, profile, read, now_ms, .. } = self;
        let (found, given) = self.sort(links)?;
        let mut statements = Vec::new();
        let (mut owners, mut both) = (Vec::new(), vec![(*profile).to_owned()]);
        for (owner, places) in given {
            let places = Value::Array(places).to_string();
            let moved = json!([company, profile, owner, places, read.step]);
            statements
                .push(Statement::new(sql::PROFILES_MOVE, json!([company, profile, owner, places, read.step, now_ms])));
            statements.push(Statement::new(sql::LINKS_MOVE, moved));
            let opening =
                Opening { profile: &owner, guard: None, vanish: json!(0), waits_for: None, notice: &read.notice };
            statements.extend(opening.statements(company, *now_ms));
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
            Some(_) | None => Some(self.end(&found, &mut statements)),
        };
        Ok(Slice { statements, vanishes, given: owners })
    }

    /// Adds the identifies of the person's links to the result so far, and gathers the links that
    /// now belong to others.
    fn sort(&self, links: &[Link]) -> Result<(Found, Given)> {
        let Self { profile, read, .. } = self;
        let mut found: Found = serde_json::from_str(&read.found)?;
        let mut given = Given::new();
        for link in links {
            if link.owner != *profile {
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
        Ok((found, given))
    }

    /// Adds the statements that store the result and delete the profile if nothing is left of it.
    /// Returns the position of the statement that deletes the profile.
    fn end(&self, found: &Found, statements: &mut Vec<Statement>) -> usize {
        let Self { company, profile, read, now_ms, key } = self;
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
}

/// The name in an identify's data.
fn name(data: &str) -> Option<String> {
    let name = traits(data).ok()?.remove("name")?;
    let name: String = serde_json::from_str(name.get()).ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The result of rebuilding.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rebuilt {
    /// Whether the first profile was deleted, because nothing was left of it.
    pub removed: bool,
    /// Number of slices done.
    pub slices: usize,
}

/// The result of one slice.
#[derive(Debug)]
pub struct Step {
    /// The people who got links and must be rebuilt next.
    given: Vec<String>,
    /// Whether the profile was deleted; `None` if this slice is not the last.
    removed: Option<bool>,
}

/// Does the next slice of a person's rebuild; `None` if the person is not to be rebuilt. `key`
/// makes the lookup key of an address.
///
/// # Errors
/// D1's; nothing of the slice was written then.
pub async fn step(db: &Db, company: &str, profile: &str, now_ms: i64, key: LookupKey) -> Result<Option<Step>> {
    let [read, links] = reading(company, profile, REBUILD_LINKS_MAX);
    let mut batch = Batch::default();
    let read = batch.read_first::<Rebuild>(db.bind_all(&[read])?);
    let links = batch.read_first::<Link>(db.bind_all(&[links])?);
    let answers = db.run_batch(batch).await?;
    let Some(read) = answers.first(&read)? else { return Ok(None) };
    let progress = Progress { company, profile, read: &read, now_ms, key };
    let slice = progress.slice(&answers.rows(&links)?, REBUILD_LINKS_MAX)?;
    let answers = db.batch(db.bind_all(&slice.statements)?).await?;
    let removed = match slice.vanishes {
        Some(place) => {
            Some(answers.get(place).map(super::Answer::rows::<Value>).transpose()?.is_some_and(|r| !r.is_empty()))
        }
        None => None,
    };
    Ok(Some(Step { given: slice.given, removed }))
}

/// Rebuilds people, and the people who get links from them, in at most `REBUILD_SLICES_MAX` slices.
/// The sweep does the rest. `key` makes the lookup key of an address.
///
/// # Errors
/// D1's; nothing of the slice was written then.
pub async fn run(db: &Db, company: &str, profiles: &[&str], now_ms: i64, key: LookupKey) -> Result<Rebuilt> {
    let mut waiting: Vec<String> = profiles.iter().rev().map(|profile| (*profile).to_owned()).collect();
    let mut rebuilt = Rebuilt::default();
    while let Some(profile) = waiting.last().cloned() {
        if rebuilt.slices >= REBUILD_SLICES_MAX {
            break;
        }
        rebuilt.slices += 1;
        let Some(Step { given, removed }) = step(db, company, &profile, now_ms, key).await? else {
            waiting.pop();
            continue;
        };
        for owner in given {
            if !waiting.contains(&owner) {
                waiting.insert(0, owner);
            }
        }
        if let Some(removed) = removed {
            rebuilt.removed |= removed && profiles.first() == Some(&profile.as_str());
            waiting.pop();
        }
    }
    Ok(rebuilt)
}

/// Continues the rebuilds that requests left: one slice of each, the one that waited longest first.
/// A failure of one does not stop the others. Takes no company: the sweep serves all companies.
///
/// # Errors
/// D1's; if several fail, that of the last.
pub async fn sweep(db: &Db, now_ms: i64, key: LookupKey) -> Result<()> {
    let open: Vec<Open> = db.run(sql::REBUILD_OLDEST, &[REBUILD_SWEEP_SLICES_MAX.into()]).await?.rows()?;
    let mut swept = Ok(());
    for Open { company, profile } in open {
        swept = step(db, &company, &profile, now_ms, key).await.map(drop).and(swept);
    }
    swept
}
