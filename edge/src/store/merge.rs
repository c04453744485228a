//! Merges profiles and undoes merges. Rows move and are not lost: every link and identity key
//! stores the profile it belongs to (`origin`). The trusted data of each profile is stored too.

use serde::Deserialize;
use serde_json::{Value, json};

use super::edits::Item;
use super::outbox::{self, Outbox};
use super::rebuild::Opening;
use super::{Batch as BoundBatch, ChangeStamp, Db, Result, Statement, sql};
use crate::domain::clock;
use crate::domain::merge_tree::{Member, whole};
use crate::domain::secret::Scope;
use crate::domain::trusted_data::TrustedData;

/// A member of a group as stored.
#[derive(Debug, Deserialize)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// The profile into which it was merged.
    pub winner: Option<String>,
    /// When it was merged, ms.
    pub at: i64,
    /// Its address as typed.
    pub email: Option<String>,
    /// JSON array of lookup keys.
    pub aliases: String,
    /// JSON of its trusted data.
    pub trusted_data: Option<String>,
}

/// A merge that was not undone.
#[derive(Debug, Deserialize)]
pub struct Merge {
    /// The profile into which the other was merged.
    pub winner: String,
    /// The profile that stands for both now.
    pub root: Option<String>,
}

/// The platform event of a change.
#[derive(Debug)]
pub struct PlatformEvent<'a> {
    /// Its message id.
    pub id: String,
    /// Its name.
    pub name: &'static str,
    /// Its data, without the user.
    pub data: Value,
    /// The user object.
    pub user: &'a str,
}

impl PlatformEvent<'_> {
    /// The parameter of `platform.edited`.
    pub(super) fn items(&self, now_ms: i64) -> Result<String> {
        let item = Item { i: self.id.clone(), t: clock::event_ts(now_ms, 0), n: self.name, d: &self.data };
        Ok(serde_json::to_string(&[item])?)
    }
}

/// A change of which sessions and profiles are one person.
#[derive(Debug)]
pub struct IdentityChange<'a> {
    /// Its marker and time.
    pub stamp: ChangeStamp,
    /// The event that subscribers get.
    pub event: PlatformEvent<'a>,
}

/// A group as read: its profiles, the root first, and the root's revision.
#[derive(Debug, Clone, Copy)]
pub struct Group<'a> {
    /// Its members.
    pub members: &'a [Member],
    /// The last revision of the first member.
    pub revision: i64,
}

/// The group that `root` stands for; `root` is the first.
///
/// # Errors
/// D1's.
pub async fn group(db: &Db, company: &str, root: &str) -> Result<Vec<Row>> {
    db.run(sql::MERGE_GROUP, &[company.into(), root.into()]).await?.rows()
}

/// The merge of this profile into another.
///
/// # Errors
/// D1's.
pub async fn find(db: &Db, company: &str, loser: &str) -> Result<Option<Merge>> {
    db.run(sql::MERGE_FIND, &[company.into(), loser.into()]).await?.first()
}

/// Whether a merge block exists between one of `these` and one of `those`.
///
/// # Errors
/// D1's.
pub async fn is_blocked(db: &Db, company: &str, these: &[Member], those: &[Member]) -> Result<bool> {
    let [these, those] = [these, those].map(|members| json!(ids(&members.iter().collect::<Vec<_>>())).to_string());
    let found = db.run(sql::MERGE_BLOCKS_FIND, &[company.into(), (&these).into(), (&those).into()]).await?;
    Ok(found.first::<Value>()?.is_some())
}

/// A batch about a group. Its first statement writes its marker to `root`; all others check that
/// marker.
struct Batch<'a> {
    company: &'a str,
    root: &'a str,
    stamp: ChangeStamp,
    statements: Vec<Statement>,
}

impl<'a> Batch<'a> {
    fn new(company: &'a str, root: &'a str, change: &IdentityChange<'_>) -> Self {
        Self { company, root, stamp: change.stamp, statements: Vec::new() }
    }

    fn push(&mut self, sql: &'static str, params: Value) {
        self.statements.push(Statement::new(sql, params));
    }

    /// Adds a statement about profiles or addresses, with that check.
    fn of_these(&mut self, sql: &'static str, these: &[&str]) {
        self.push(sql, json!([self.company, json!(these).to_string(), self.root, self.stamp.marker]));
    }

    /// Adds a statement that gives profiles or addresses to `to`, with that check.
    fn assign(&mut self, sql: &'static str, these: &[&str], to: &str) {
        self.push(sql, json!([self.company, json!(these).to_string(), to, self.root, self.stamp.marker]));
    }

    /// Makes the addresses of these members lead to `to`.
    fn move_keys(&mut self, these: &[&Member], to: &str) {
        let (keys, ids) = (json!(addresses(these)).to_string(), json!(ids(these)).to_string());
        self.push(sql::IDENTITIES_MOVE, json!([self.company, keys, to, self.root, self.stamp.marker, ids]));
    }

    /// Writes the trusted data of a profile that stands for a group, or for itself alone.
    fn set_trusted(&mut self, id: &str, data: &TrustedData) -> Result<()> {
        let (traits, opt_ins) = (serde_json::to_string(&data.trusted_traits)?, serde_json::to_string(&data.opt_ins)?);
        let consent = data.consent.as_ref();
        let consent = [
            consent.map(|c| i64::from(c.given)).into(),
            consent.map(|c| c.at_ms).into(),
            consent.map(|c| c.source.clone()).into(),
        ];
        let [given, at, source]: [Value; 3] = consent;
        let (company, root) = (self.company, self.root);
        let ChangeStamp { marker, now_ms } = self.stamp;
        self.push(
            sql::PROFILE_SET_TRUSTED,
            json!([company, id, traits, opt_ins, given, at, source, root, marker, now_ms]),
        );
        self.push(sql::TAGS_PUT, json!([company, id, serde_json::to_string(&data.tags)?, root, marker]));
        self.push(sql::FIELDS_PUT, json!([company, id, serde_json::to_string(&data.fields)?, root, marker]));
        Ok(())
    }

    /// Stores each member's trusted data apart from that of the group. A profile that stands alone
    /// has none apart.
    fn keep(&mut self, members: &[&Member]) -> Result<()> {
        let mut owns = Vec::with_capacity(members.len());
        for member in members {
            let own = if members.len() > 1 { Some(serde_json::to_string(&member.trusted_data)?) } else { None };
            owns.push(json!([member.id, own]));
        }
        self.push(
            sql::PROFILES_SET_TRUSTED_DATA,
            json!([self.company, json!(owns).to_string(), self.root, self.stamp.marker]),
        );
        Ok(())
    }

    /// Starts the rebuild of a person who lost links, or who may have no link left.
    fn rebuild(&mut self, profile: &str, may_vanish: bool, waits_for: Option<&str>, change: &IdentityChange<'_>) {
        let (guard, vanish) = (Some((self.root, self.stamp.marker)), json!(i64::from(may_vanish)));
        let opening = Opening { profile, guard, vanish, waits_for, notice: &change.event.id };
        self.statements.extend(opening.statements(self.company, self.stamp.now_ms));
    }
}

fn ids<'a>(members: &[&'a Member]) -> Vec<&'a str> {
    members.iter().map(|m| m.id.as_str()).collect()
}

fn addresses<'a>(members: &[&'a Member]) -> Vec<&'a str> {
    members.iter().flat_map(|m| &m.addresses).map(String::as_str).collect()
}

/// The statements that merge `loser` into `winner`. `scope` is that of the key that requested the
/// merge.
///
/// # Errors
/// When something cannot be written as JSON.
pub fn merge_statements(
    company: &str,
    winner: Group<'_>,
    loser: Group<'_>,
    scope: Scope,
    change: &IdentityChange<'_>,
) -> Result<Vec<Statement>> {
    let joined: Vec<&Member> = winner.members.iter().chain(loser.members).collect();
    let moved: Vec<&Member> = loser.members.iter().collect();
    let (Some(root), Some(gone)) = (joined.first().map(|m| &m.id), moved.first().map(|m| &m.id)) else {
        return Ok(Vec::new());
    };
    let mut batch = Batch::new(company, root, change);
    let (n, now) = (change.stamp.marker, change.stamp.now_ms);
    batch.push(sql::MERGE_MARK, json!([company, root, winner.revision, gone, loser.revision, n, now]));
    batch.push(sql::MERGE_INSERT, json!([company, root, gone, now, scope.as_str(), n]));
    batch.assign(sql::PROFILES_JOIN, &ids(&moved), root);
    batch.of_these(sql::TAGS_CLEAR, &[root, gone]);
    batch.of_these(sql::FIELDS_CLEAR, &[root, gone]);
    batch.set_trusted(root, &whole(&joined))?;
    batch.keep(&joined)?;
    batch.move_keys(&moved, root);
    batch.of_these(sql::LINKS_RESERVE, &ids(&moved));
    batch.of_these(sql::SEARCH_FORGET, &ids(&moved));
    batch.rebuild(gone, false, None, change);
    Ok(batch.statements)
}

/// The statements that undo a merge: they separate `unmerged` (the merged profile and those merged
/// into it) from the `rest` of the group, whose first profile is the root.
///
/// # Errors
/// When something cannot be written as JSON.
pub fn unmerge_statements(
    company: &str,
    rest: &[&Member],
    revision: i64,
    unmerged: &[&Member],
    change: &IdentityChange<'_>,
) -> Result<Vec<Statement>> {
    let (Some(root), Some(top)) = (rest.first().map(|m| &m.id), unmerged.first().map(|m| &m.id)) else {
        return Ok(Vec::new());
    };
    let mut batch = Batch::new(company, root, change);
    let (n, now) = (change.stamp.marker, change.stamp.now_ms);
    batch.push(sql::MERGE_PART, json!([company, root, revision, n, now]));
    batch.push(sql::MERGE_DELETE, json!([company, top, root, n]));
    let (here, there) = (json!(ids(rest)).to_string(), json!(ids(unmerged)).to_string());
    batch.push(sql::MERGE_BLOCKS_INSERT, json!([company, here, there, root, n, now]));
    batch.assign(sql::PROFILES_JOIN, &ids(unmerged), top);
    batch.of_these(sql::TAGS_CLEAR, &[root]);
    batch.of_these(sql::FIELDS_CLEAR, &[root]);
    for (first, members) in [(root, rest), (top, unmerged)] {
        batch.set_trusted(first, &whole(members))?;
        batch.keep(members)?;
    }
    batch.move_keys(unmerged, top);
    // One of the two may have existed only through the other, if the identify that created it was
    // undone meanwhile.
    batch.rebuild(root, rest.len() == 1, None, change);
    batch.rebuild(top, unmerged.len() == 1, Some(root), change);
    Ok(batch.statements)
}

/// Runs a change of the group of `root` and stores its platform event. `None` if the people changed
/// after they were read: nothing was written. The caller then rebuilds the people whose links moved
/// ([`super::rebuild::run`]).
///
/// # Errors
/// D1's; nothing was written then.
pub async fn run(
    db: &Db,
    company: &str,
    root: &str,
    statements: &[Statement],
    change: &IdentityChange<'_>,
) -> Result<Option<Outbox>> {
    let mut batch = BoundBatch::default();
    let won = batch.read_first::<Value>(db.bind_all(statements)?);
    let items = change.event.items(change.stamp.now_ms)?;
    batch.write(db.bind(
        sql::PLATFORM_EDITED,
        &[
            company.into(),
            (&items).into(),
            change.event.user.into(),
            root.into(),
            change.stamp.marker.into(),
            change.stamp.now_ms.into(),
        ],
    )?);
    let ids = serde_json::to_string(&[&change.event.id])?;
    let outbox = outbox::of_platform_events(db, &mut batch, company, &ids, change.stamp)?;
    let answers = db.run_batch(batch).await?;
    let won = !answers.rows(&won)?.is_empty();
    Ok(if won { Some(outbox::of_platform_events_answer(&answers, &outbox)?) } else { None })
}
