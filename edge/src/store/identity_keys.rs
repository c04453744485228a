//! Identity keys: the email addresses and user ids by which people are found, and giving a person
//! another one.

use serde::Deserialize;
use serde_json::json;
use trackmate_wire::limits::PROFILE_KEYS_MAX;

use super::{Batch, Db, Param, Result, Slot, Statement, sql};
use crate::domain::compat::pair;
use crate::domain::tombstone;

/// Who has an address.
#[derive(Debug, Deserialize)]
pub struct Owner {
    /// The profile.
    pub profile: String,
    /// 1 if it had the address before it was erased.
    pub erased: i64,
}

/// Who has an address (lookup key), unless it was given up; or who had it before being erased.
///
/// # Errors
/// D1's.
pub async fn owner(db: &Db, company: &str, address: &str) -> Result<Option<Owner>> {
    let hash = tombstone::address(company, address);
    db.run(sql::IDENTITY_OWNER, &[company.into(), address.into(), (&hash).into()]).await?.first()
}

/// Gives a person a further address (lookup key), unless somebody has it.
///
/// # Errors
/// D1's.
pub async fn add_address(db: &Db, company: &str, profile: &str, address: &str, number: i64, now_ms: i64) -> Result<()> {
    let hash = tombstone::address(company, address);
    let (company, key, profile, now) = (company.into(), address.into(), profile.into(), Param::Int(now_ms));
    let given_up = [company, key, profile, None::<&str>.into()];
    db.batch(vec![
        db.bind(sql::PROFILE_UNALIAS, &given_up)?,
        db.bind(sql::IDENTITY_ADD, &[company, key, profile, now, (&hash).into(), keys_max().into()])?,
        db.bind(sql::PROFILE_ALIAS, &[company, key, profile, now, number.into()])?,
    ])
    .await
    .map(drop)
}

/// An identity key and the person who has it.
#[derive(Debug, Clone, Deserialize)]
pub struct ResolvedKey {
    /// The key.
    pub key: String,
    /// The profile; of an erased one, the id that is left.
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
    let pairs: Vec<[String; 2]> =
        keys.iter().map(|key| [(*key).to_owned(), tombstone::address(company, key)]).collect();
    Ok(serde_json::to_string(&pairs)?)
}

/// [`PROFILE_KEYS_MAX`] as a parameter.
fn keys_max() -> i64 {
    i64::try_from(PROFILE_KEYS_MAX).unwrap_or(i64::MAX)
}

/// A second identity key that an event grants to its person. The decision depends on who had both
/// keys when they were read. So the event is stored only while the same people have them;
/// otherwise nothing is stored.
#[derive(Debug)]
pub struct KeyGrant {
    /// The key that leads to the person.
    pub by: String,
    /// The person; `None` where the event makes them.
    pub profile: Option<String>,
    /// The key that they are given. Nobody has it, or who has it gave it up.
    pub key: String,
    /// How it is typed where it is an address.
    pub typed: Option<String>,
    /// The profile of whoever gave it up.
    pub former: Option<String>,
    /// What the person had when it was decided, [`ResolvedKey::further`] and
    /// [`ResolvedKey::addressed`], if the decision hangs on it.
    pub had: Option<(i64, i64)>,
    /// Random: marks the edit.
    pub number: i64,
}

impl KeyGrant {
    /// What must hold, as `events.insert` takes it. `made` is who has the first key by then, if it
    /// was nobody's and the same batch has made them.
    pub(super) fn guard(&self, made: Option<&str>) -> String {
        let room = self.profile.is_some().then(keys_max);
        let (further, addressed) = self.had.unzip();
        json!([[self.by, self.profile.as_deref().or(made), room, further, addressed], [self.key, self.former]])
            .to_string()
    }

    /// Adds the statements that give the key to `made`, where the event makes the person. The slot
    /// has whom both keys lead to then.
    pub(super) fn push(
        &self,
        db: &Db,
        batch: &mut Batch,
        company: &str,
        made: &str,
        now_ms: i64,
    ) -> Result<Slot<ResolvedKey>> {
        let profile = self.profile.as_deref().unwrap_or(made);
        let binding = binding(company, profile, &self.key, self.typed.as_deref(), self.number, now_ms);
        batch.write_all(db.bind_all(&binding)?);
        let keys = hashed(company, &[&self.by, &self.key])?;
        Ok(batch.read(db.bind(sql::IDENTITY_PAIR, &[company.into(), (&keys).into()])?))
    }

    /// Whether, of an event that was not stored, it was because either key leads elsewhere by now,
    /// or because the person has no room for another key.
    pub(super) fn is_outdated(&self, led: &[ResolvedKey]) -> bool {
        let to = |key: &str| led.iter().find(|led| led.key == key && led.erased == 0);
        let is_same = |key: &str, profile: &Option<String>| to(key).map(|led| &led.profile) == profile.as_ref();
        let has_changed =
            |led: &ResolvedKey| led.is_full() || self.had.is_some_and(|had| had != (led.further, led.addressed));
        !is_same(&self.by, &self.profile)
            || !is_same(&self.key, &self.former)
            || self.profile.is_some() && to(&self.by).is_some_and(has_changed)
    }
}

/// The statements that let a further lookup key lead to a person, unless somebody has it: a user
/// id, or an address with how it is `typed`. They count as an edit of the person, so that whoever
/// has read what leads to them (to erase or to merge them) reads it again.
#[must_use]
pub fn binding(
    company: &str,
    profile: &str,
    key: &str,
    typed: Option<&str>,
    number: i64,
    now_ms: i64,
) -> [Statement; 2] {
    let hash = tombstone::address(company, key);
    [
        Statement::new(sql::IDENTITY_ADD, json!([company, key, profile, now_ms, hash, keys_max()])),
        Statement::new(sql::PROFILE_BIND, json!([company, key, profile, now_ms, typed, number])),
    ]
}

/// Runs [`binding`] → whether the key leads to the person now. It does not if somebody else has it,
/// or the person has no room for it.
///
/// # Errors
/// D1's.
pub async fn bind(
    db: &Db,
    company: &str,
    profile: &str,
    key: &str,
    typed: Option<&str>,
    number: i64,
    now_ms: i64,
) -> Result<bool> {
    let mut batch = Batch::default();
    batch.write_all(db.bind_all(&binding(company, profile, key, typed, number, now_ms))?);
    let hash = tombstone::address(company, key);
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
    /// ms, when it was given up.
    pub ended_at: Option<i64>,
    /// The profile it was given to.
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
