//! Reading people: whom identifiers name, profiles, timelines.

use serde::{Deserialize, Serialize};
use serde_json::json;
use trackmate_wire::limits::{INCOMING_DATA_BYTES_MAX, PROFILE_KEYS_MAX, TOLD_LINKS_COUNTED_MAX};
use worker::D1PreparedStatement;

use super::companies::Key;
use super::{Db, Param, Result, Statement, sql};
use crate::domain::clock;
use crate::domain::compat::pair;
use crate::domain::person::{self, Consent, Person};
use crate::domain::timeline::{Cursor, Found, Order, Steps};
use crate::domain::tombstone;

/// A profile with its counts.
#[derive(Debug, Deserialize)]
pub struct Profile {
    /// Opaque.
    pub id: String,
    /// As first typed; of whoever was merged into them, if they have none.
    pub email: Option<String>,
    /// The company's own id, likewise.
    pub external_id: Option<String>,
    /// Claimed or set.
    pub name: Option<String>,
    /// JSON object.
    pub traits: String,
    /// `webhook_…`.
    pub server_session: String,
    /// ms.
    pub created_at: i64,
    /// `ts` of the first identify.
    pub registered_at: Option<i64>,
    /// Its message id.
    pub registered_id: Option<String>,
    /// `ts` of the latest event.
    pub last_ts: Option<i64>,
    /// All events.
    pub events: i64,
    /// Those through the server door.
    pub server_events: i64,
    /// Browser sessions.
    pub sessions: i64,
    /// JSON object of counters.
    pub revenue: Option<String>,
    /// ms.
    pub erased_at: Option<i64>,
    /// The company's JSON array of event types that count.
    pub revenue_events: String,
    /// JSON object of the traits that secret keys said.
    pub said: String,
    /// JSON object, platform → opted in.
    pub opt_ins: String,
    /// To being exported: 1, 0, or never asked.
    pub consent: Option<i64>,
    /// ms.
    pub consent_at: Option<i64>,
    /// Where it was given.
    pub consent_source: Option<String>,
    /// ms, when a secret key last changed anything.
    pub said_at: Option<i64>,
    /// ms, by our clock.
    pub updated_at: i64,
    /// The last edit's number.
    pub edit: i64,
    /// JSON array of the lookup keys of further addresses.
    pub aliases: String,
    /// JSON: what was said of it by itself, while others are merged into it.
    pub own: Option<String>,
    /// JSON object, name → applied at ms.
    pub tags: String,
    /// JSON object, name → value.
    pub fields: String,
    /// JSON object, [`crate::domain::person::Counts`].
    pub counts: String,
    /// Of the browser sessions, those of which servers alone have told; counted where one profile is read.
    #[serde(default)]
    pub told_sessions: i64,
}

impl Profile {
    /// The person behind the row.
    ///
    /// # Errors
    /// When a stored JSON text is none.
    pub fn person(&self, company: &str) -> Result<Person> {
        let consent = |given| Consent {
            given: given != 0,
            at_ms: self.consent_at.unwrap_or_default(),
            source: self.consent_source.clone().unwrap_or_default(),
        };
        Ok(Person {
            id: self.id.clone(),
            company: company.to_owned(),
            email: self.email.clone(),
            external_id: self.external_id.clone(),
            claimed_name: self.name.clone(),
            claimed: person::traits(&self.traits)?,
            said: person::traits(&self.said)?,
            opt_ins: serde_json::from_str(&self.opt_ins)?,
            consent: self.consent.map(consent),
            tags: serde_json::from_str(&self.tags)?,
            fields: serde_json::from_str(&self.fields)?,
            created_ms: self.created_at,
            registered_ms: self.registered_at.map(clock::ts_ms),
            updated_ms: self.updated_at,
            active_ms: self.last_ts.map(clock::ts_ms),
            said_ms: self.said_at,
            counts: serde_json::from_str(&self.counts)?,
        })
    }
}

/// Whom a server request's identifiers name. A found id is of the key's own company.
#[derive(Debug, Deserialize)]
pub struct Resolved {
    /// The key.
    #[serde(flatten)]
    pub key: Key,
    /// The version of the plan that the company's events are held against; 0 for none.
    pub plan: i64,
    /// The profile with the given user id …
    pub user_id: Option<String>,
    /// … and its server session.
    pub user_session: Option<String>,
    /// … or when it was erased, ms.
    pub erased_at: Option<i64>,
    /// The profile with the given address …
    pub email_id: Option<String>,
    /// … and its server session.
    pub email_session: Option<String>,
    /// The owner of the given session at the given time.
    pub session_id: Option<String>,
    /// 1 while somebody watches what comes in.
    pub watched: Option<i64>,
}

/// What a server request names a person by.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Identifiers {
    /// Lookup key of the address.
    pub address: Option<String>,
    /// The address as typed.
    pub email: Option<String>,
    /// A profile's id.
    pub user: Option<String>,
    /// A browser session.
    pub session: Option<String>,
    /// Whether an address that leads to nobody is passed over, and makes nobody.
    #[serde(default)]
    pub only_known: bool,
}

/// Finds the key by its hash and, in its company, whom the identifiers name at `ts`. Takes no company: it comes from the key. One statement
/// over the directory and the company's tables, which are in one database today; apart, it becomes two.
///
/// # Errors
/// D1's.
pub async fn resolve(db: &Db, key_hash: &str, who: &Identifiers, ts: i64, now_ms: i64) -> Result<Option<Resolved>> {
    let params = [
        key_hash.into(),
        who.address.as_ref().into(),
        who.user.as_ref().into(),
        who.session.as_ref().into(),
        ts.into(),
        now_ms.into(),
    ];
    db.run(sql::SERVER_RESOLVE, &params).await?.first()
}

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

/// A profile by its id, or the one it was merged into.
///
/// # Errors
/// D1's.
pub async fn profile(db: &Db, company: &str, id: &str) -> Result<Option<Profile>> {
    db.run(sql::PROFILE_FIND, &[company.into(), id.into(), TOLD_LINKS_COUNTED_MAX.into()]).await?.first()
}

/// A profile by the lookup key of an address.
///
/// # Errors
/// D1's.
pub async fn by_address(db: &Db, company: &str, address: &str) -> Result<Vec<Profile>> {
    db.run(sql::PROFILE_BY_ADDRESS, &[company.into(), address.into()]).await?.rows()
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

/// Whom a lookup key leads to.
#[derive(Debug, Clone, Deserialize)]
pub struct Led {
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
    /// 1 if a secret key has told anything of the person.
    pub vouched: i64,
    /// How many keys lead to the person beside their address.
    pub further: i64,
}

impl Led {
    /// Whether so many keys lead to the person that no other may.
    #[must_use]
    pub fn is_full(&self) -> bool {
        usize::try_from(self.further).is_ok_and(|further| further >= PROFILE_KEYS_MAX)
    }

    /// What the rule asks of it.
    #[must_use]
    pub fn as_led(&self) -> pair::Led<'_> {
        pair::Led {
            profile: &self.profile,
            is_ended: self.ended == 1,
            is_erased: self.erased == 1,
            has_address: self.addressed == 1,
            has_user_id: self.named == 1,
            is_vouched: self.vouched == 1,
        }
    }
}

/// Whom these lookup keys lead to.
///
/// # Errors
/// D1's.
pub async fn led(db: &Db, company: &str, keys: &[&str]) -> Result<Vec<Led>> {
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

/// A second lookup key that an event gives to its person. What was decided holds for what was read of both keys; so it is stored only while both still lead
/// where they led. Otherwise somebody made or changed either person in between, and nothing is stored.
#[derive(Debug)]
pub struct Give {
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
    /// What the person had when it was decided, [`Led::further`] and [`Led::addressed`], if the decision hangs on it.
    pub had: Option<(i64, i64)>,
    /// Random: marks the edit.
    pub number: i64,
}

impl Give {
    /// What must hold, as `events.insert` takes it. `made` is who has the first key by then, if it was nobody's and the same batch has made them.
    pub(super) fn guard(&self, made: Option<&str>) -> String {
        let room = self.profile.is_some().then(keys_max);
        let (further, addressed) = self.had.unzip();
        json!([[self.by, self.profile.as_deref().or(made), room, further, addressed], [self.key, self.former]])
            .to_string()
    }

    /// The statements that give the key to `made`, where the event makes the person; the last one reads whom both keys lead to then.
    pub(super) fn statements(
        &self,
        db: &Db,
        company: &str,
        made: &str,
        now_ms: i64,
    ) -> Result<Vec<D1PreparedStatement>> {
        let profile = self.profile.as_deref().unwrap_or(made);
        let binding = binding(company, profile, &self.key, self.typed.as_deref(), self.number, now_ms);
        let mut statements = db.bind_all(&binding)?;
        let keys = hashed(company, &[&self.by, &self.key])?;
        statements.push(db.bind(sql::IDENTITY_PAIR, &[company.into(), (&keys).into()])?);
        Ok(statements)
    }

    /// Whether, of an event that was not stored, it was because either key leads elsewhere by now, or because the person has no room for another key.
    pub(super) fn is_outdated(&self, led: &[Led]) -> bool {
        let to = |key: &str| led.iter().find(|led| led.key == key && led.erased == 0);
        let is_same = |key: &str, profile: &Option<String>| to(key).map(|led| &led.profile) == profile.as_ref();
        let has_changed = |led: &Led| led.is_full() || self.had.is_some_and(|had| had != (led.further, led.addressed));
        !is_same(&self.by, &self.profile)
            || !is_same(&self.key, &self.former)
            || self.profile.is_some() && to(&self.by).is_some_and(has_changed)
    }
}

/// The statements that let a further lookup key lead to a person, unless somebody has it: a user id, or an address with how it is `typed`. They count as an
/// edit of the person, so that whoever has read what leads to them (to erase or to merge them) reads it again.
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

/// Runs [`binding`] → whether the key leads to the person now. It does not if somebody else has it, or the person has no room for it.
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
    let mut batch = db.bind_all(&binding(company, profile, key, typed, number, now_ms))?;
    let hash = tombstone::address(company, key);
    batch.push(db.bind(sql::IDENTITY_OWNER, &[company.into(), key.into(), (&hash).into()])?);
    let answers = db.batch(batch).await?;
    let owner = answers.last().map(super::Answer::first::<Owner>).transpose()?.flatten();
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

/// An identify that made a session a person's.
#[derive(Debug, Deserialize)]
pub struct Link {
    /// The session.
    pub session: String,
    /// From when on, as a `ts`.
    pub at: i64,
    /// Message id of the identify.
    pub id: String,
    /// As whom the session was identified.
    pub profile: String,
    /// How many events are the person's by it.
    pub events: i64,
}

/// A person's links before a place, newest first.
///
/// # Errors
/// D1's.
pub async fn links(db: &Db, company: &str, profile: &str, before: &Cursor, limit: i64) -> Result<Vec<Link>> {
    let params = [company.into(), profile.into(), before.ts.into(), (&before.id).into(), limit.into()];
    db.run(sql::LINKS_LIST, &params).await?.rows()
}

/// An event of a timeline.
#[derive(Debug, Clone, Deserialize)]
pub struct Entry {
    /// Its id.
    pub message_id: String,
    /// 0 browser, 1 server.
    pub source: i64,
    /// Where it was stored.
    pub session: String,
    /// When it happened.
    pub ts: i64,
    /// Its name.
    #[serde(rename = "type")]
    pub name: String,
    /// JSON object, unless it is long.
    pub data: Option<String>,
    /// Bytes of its data.
    pub bytes: usize,
    /// 1 if a machine sent it.
    pub bot: Option<i64>,
    /// 1 if a server told it, though it stands at the pages' door.
    pub told: Option<i64>,
    /// Its place, as one text.
    pub key: String,
    /// That of the first event of its step.
    pub first: String,
}

impl Found for Entry {
    fn key(&self) -> &str {
        &self.key
    }

    fn first(&self) -> &str {
        &self.first
    }
}

/// Events past the cursor, some of them out of turn.
///
/// # Errors
/// D1's.
pub async fn entries(
    db: &Db,
    company: &str,
    profile: &str,
    (cursor, order): (&Cursor, Order),
    wanted: usize,
    steps: Steps,
) -> Result<Vec<Entry>> {
    let statement = match order {
        Order::Asc => sql::TIMELINE_ASC,
        Order::Desc => sql::TIMELINE_DESC,
    };
    let (key, count) = (cursor.key(), |n: usize| Param::Int(i64::try_from(n).unwrap_or(i64::MAX)));
    let params = [
        company.into(),
        profile.into(),
        cursor.ts.into(),
        (&key).into(),
        count(steps.rows),
        count(wanted),
        count(steps.step),
        INCOMING_DATA_BYTES_MAX.into(),
    ];
    db.run(statement, &params).await?.rows()
}

#[derive(Deserialize)]
struct Long {
    source: i64,
    message_id: String,
    data: String,
}

/// Reads the data of those of these events that are long.
///
/// # Errors
/// D1's.
pub async fn read_long(db: &Db, company: &str, entries: &mut [Entry]) -> Result<()> {
    let long = entries.iter().filter(|e| e.data.is_none()).map(|e| (e.source, &e.message_id));
    let named: Vec<_> = long.collect();
    if named.is_empty() {
        return Ok(());
    }
    let named = serde_json::to_string(&named)?;
    for long in db.run(sql::TIMELINE_DATA, &[company.into(), (&named).into()]).await?.rows::<Long>()? {
        let of = |e: &&mut Entry| e.source == long.source && e.message_id == long.message_id;
        if let Some(entry) = entries.iter_mut().find(of) {
            entry.data = Some(long.data);
        }
    }
    // One that has gone in between is left out with its data.
    Ok(())
}
