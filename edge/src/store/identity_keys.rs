//! Identity keys: the addresses and user ids by which people are found. This module also gives a
//! person another key.

use serde::Deserialize;
use serde_json::json;
use trackmate_wire::limits::PROFILE_KEYS_MAX;

use super::request::IngestRequest;
use super::{Batch, ChangeStamp, Db, Param, Result, Slot, Statement, sql};
use crate::domain::compat::pair;
use crate::domain::tombstone;

/// Who has an identity key.
#[derive(Debug, Deserialize)]
pub struct Owner {
    /// The profile.
    pub profile: String,
    /// 1 if the profile had the key before it was erased.
    pub erased: i64,
}

/// The profile that has an identity key and did not give it up, or that had it before an erasure.
///
/// # Errors
/// D1's.
pub async fn owner(db: &Db, company: &str, address: &str) -> Result<Option<Owner>> {
    let hash = tombstone::of_key(company, address);
    db.run(sql::IDENTITY_OWNER, &[company.into(), address.into(), (&hash).into()]).await?.first()
}

/// Gives a person another address (lookup key), unless another person has it.
///
/// # Errors
/// D1's.
pub async fn add_address(db: &Db, company: &str, profile: &str, address: &str, stamp: ChangeStamp) -> Result<()> {
    let hash = tombstone::of_key(company, address);
    let (company, key, profile, now) = (company.into(), address.into(), profile.into(), Param::Int(stamp.now_ms));
    let given_up = [company, key, profile, None::<&str>.into()];
    db.batch(vec![
        db.bind(sql::PROFILE_UNALIAS, &given_up)?,
        db.bind(sql::IDENTITY_ADD, &[company, key, profile, now, (&hash).into(), keys_max().into()])?,
        db.bind(sql::PROFILE_ALIAS, &[company, key, profile, now, stamp.marker.into()])?,
    ])
    .await
    .map(drop)
}

/// An identity key and the person who has it.
#[derive(Debug, Clone, Deserialize)]
pub struct ResolvedKey {
    /// The key.
    pub key: String,
    /// The profile; after an erasure, the id that is left of it.
    pub profile: String,
    /// 1 if the person gave it up.
    pub ended: i64,
    /// 1 if the person was erased.
    pub erased: i64,
    /// 1 if the person has an address.
    pub addressed: i64,
    /// 1 if the person has a user id.
    pub named: i64,
    /// 1 if a server has set data of the person.
    pub vouched: i64,
    /// The number of keys of the person besides their address.
    pub further: i64,
}

impl ResolvedKey {
    /// Whether the person already has as many keys as allowed.
    #[must_use]
    pub fn is_full(&self) -> bool {
        usize::try_from(self.further).is_ok_and(|further| further >= PROFILE_KEYS_MAX)
    }

    /// The part that [`pair::decide`] reads.
    #[must_use]
    pub fn for_decision(&self) -> pair::ResolvedKey<'_> {
        pair::ResolvedKey {
            profile: &self.profile,
            is_ended: self.ended == 1,
            is_erased: self.erased == 1,
            has_address: self.addressed == 1,
            has_user_id: self.named == 1,
            is_vouched: self.vouched == 1,
        }
    }
}

/// Finds the people who have these identity keys.
///
/// # Errors
/// D1's.
pub async fn resolve_keys(db: &Db, company: &str, keys: &[&str]) -> Result<Vec<ResolvedKey>> {
    db.run(sql::IDENTITY_PAIR, &[company.into(), (&hashed(company, keys)?).into()]).await?.rows()
}

/// Lookup keys with their hashes, as `identity.pair` takes them.
pub(super) fn hashed(company: &str, keys: &[&str]) -> Result<String> {
    let pairs: Vec<[String; 2]> = keys.iter().map(|key| [(*key).to_owned(), tombstone::of_key(company, key)]).collect();
    Ok(serde_json::to_string(&pairs)?)
}

/// [`PROFILE_KEYS_MAX`] as a parameter.
fn keys_max() -> i64 {
    i64::try_from(PROFILE_KEYS_MAX).unwrap_or(i64::MAX)
}

/// A second identity key that an event gives to its person. The decision depends on who had both
/// keys when they were read. So the event is stored only while the same people have them; otherwise
/// nothing is stored.
#[derive(Debug)]
pub struct KeyGrant {
    /// The key that leads to the person.
    pub by: String,
    /// The person; `None` if the event creates them.
    pub profile: Option<String>,
    /// The key to give. Nobody has it, or its former person gave it up.
    pub key: String,
    /// The address as typed; `None` for a user id.
    pub typed: Option<String>,
    /// The profile of the person who gave the key up.
    pub former: Option<String>,
    /// [`ResolvedKey::further`] and [`ResolvedKey::addressed`] of the person at the time of the
    /// decision, if the decision depends on them.
    pub had: Option<(i64, i64)>,
    /// Random: marks the edit.
    pub marker: i64,
}

impl KeyGrant {
    /// The condition, as `events.insert` takes it. `made` is the person who has the first key if
    /// the same batch created them.
    pub(super) fn guard(&self, made: Option<&str>) -> String {
        let room = self.profile.is_some().then(keys_max);
        let (further, addressed) = self.had.unzip();
        json!([[self.by, self.profile.as_deref().or(made), room, further, addressed], [self.key, self.former]])
            .to_string()
    }

    /// Adds the statements that give the key. It goes to `made` if the event creates the person.
    /// The slot has the people of both keys afterwards.
    pub(super) fn push(
        &self,
        db: &Db,
        batch: &mut Batch,
        request: &IngestRequest<'_>,
        made: &str,
    ) -> Result<Slot<ResolvedKey>> {
        let profile = self.profile.as_deref().unwrap_or(made);
        let added = AddedKey { profile, key: &self.key, typed: self.typed.as_deref() };
        let stamp = ChangeStamp { marker: self.marker, now_ms: request.received_ms };
        batch.write_all(db.bind_all(&added.statements(request.company, stamp))?);
        let keys = hashed(request.company, &[&self.by, &self.key])?;
        Ok(batch.read(db.bind(sql::IDENTITY_PAIR, &[request.company.into(), (&keys).into()])?))
    }

    /// For an event that was not stored: whether the reason is that a key now leads to another
    /// person, or that the person may have no further key.
    pub(super) fn is_outdated(&self, resolved: &[ResolvedKey]) -> bool {
        let to = |key: &str| resolved.iter().find(|resolved| resolved.key == key && resolved.erased == 0);
        let is_same =
            |key: &str, profile: &Option<String>| to(key).map(|resolved| &resolved.profile) == profile.as_ref();
        let has_changed = |resolved: &ResolvedKey| {
            resolved.is_full() || self.had.is_some_and(|had| had != (resolved.further, resolved.addressed))
        };
        !is_same(&self.by, &self.profile)
            || !is_same(&self.key, &self.former)
            || self.profile.is_some() && to(&self.by).is_some_and(has_changed)
    }
}

/// Another identity key for a person.
#[derive(Debug, Clone, Copy)]
pub struct AddedKey<'a> {
    /// The profile.
    pub profile: &'a str,
    /// The key: a user id or an address.
    pub key: &'a str,
    /// An address as typed.
    pub typed: Option<&'a str>,
}

impl AddedKey<'_> {
    /// The statements that give the person the key, unless another person has it. They count as an
    /// edit of the person. So a request that has read the person's keys, to erase or to merge them,
    /// reads them again.
    #[must_use]
    pub fn statements(&self, company: &str, ChangeStamp { marker, now_ms }: ChangeStamp) -> [Statement; 2] {
        let Self { profile, key, typed } = self;
        let hash = tombstone::of_key(company, key);
        [
            Statement::new(sql::IDENTITY_ADD, json!([company, key, profile, now_ms, hash, keys_max()])),
            Statement::new(sql::PROFILE_BIND, json!([company, key, profile, now_ms, typed, marker])),
        ]
    }
}

/// Gives a person another key. → Whether the key now leads to the person. It does not if another
/// person has it, or this person may have no further key.
///
/// # Errors
/// D1's.
pub async fn add(db: &Db, company: &str, added: AddedKey<'_>, stamp: ChangeStamp) -> Result<bool> {
    let AddedKey { profile, key, .. } = added;
    let mut batch = Batch::default();
    batch.write_all(db.bind_all(&added.statements(company, stamp))?);
    let hash = tombstone::of_key(company, key);
    let owner = batch.read::<Owner>(db.bind(sql::IDENTITY_OWNER, &[company.into(), key.into(), (&hash).into()])?);
    let owner = db.run_batch(batch).await?.first(&owner)?;
    Ok(owner.is_some_and(|owner| owner.profile == profile))
}

/// An address that leads to a person.
#[derive(Debug, Deserialize)]
pub struct Known {
    /// Its lookup key.
    pub key: String,
    /// ms.
    pub created_at: i64,
    /// ms, when the person gave it up.
    pub ended_at: Option<i64>,
    /// The profile that got it.
    pub profile: String,
}

/// Those of these addresses (lookup keys) that lead to the profile.
///
/// # Errors
/// D1's.
pub async fn addresses(db: &Db, company: &str, profile: &str, keys: &[String]) -> Result<Vec<Known>> {
    let keys = serde_json::to_string(keys)?;
    db.run(sql::IDENTITIES_LIST, &[company.into(), (&keys).into(), profile.into()]).await?.rows()
}
