//! Who somebody is, as a vendor's client says it: an identify, or an alias.

use serde_json::value::RawValue;
use serde_json::{Value, json};
use trackmate_wire::ids::key_kind;
use trackmate_wire::problem::{Code, Problem};

use super::super::call::Call;
use super::super::error::Error;
use super::super::profile::{self, Claim, address, user};
use super::super::users::find;
use super::super::{edits, events, identity};
use super::items::{Fact, Whose, addressed, keep};
use crate::domain::clock;
use crate::domain::compat::pair::{self, Key, Other};
use crate::domain::compat::{self, Item, Traits, What};
use crate::domain::edit::Edit;
use crate::domain::event::{Arrival, Row, Said, check_object, content_id};
use crate::domain::ledger;
use crate::domain::person::{self, KNOWN};
use crate::entropy;
use crate::store::companies::{self, Verification};
use crate::store::ingest;
use crate::store::people::{self, Identifiers};

/// Who tells it.
pub(super) struct Teller<'a> {
    pub(super) call: &'a Call,
    pub(super) company: &'a str,
    pub(super) sent_ms: Option<i64>,
    /// The hash of the secret key that vouches, if one does.
    pub(super) secret: Option<&'a str>,
}

/// What an item says beside whom it is about.
struct Rest {
    index: usize,
    timestamp: Option<Value>,
    message_id: Option<String>,
    context: Option<Box<RawValue>>,
    /// [`names`].
    claim: i64,
}

/// A lookup key, with the address as typed where it is an address'.
struct Named {
    key: String,
    typed: Option<String>,
}

impl Named {
    /// A user id, which may be an address.
    fn user(key: String) -> Self {
        let typed = Some(key.clone()).filter(|key| key_kind(key) == "email");
        Self { key, typed }
    }
}

/// Who is identified: by which key, and what becomes of the other.
struct Who {
    by: Named,
    other: Option<Named>,
    then: Then,
    /// Whether the user id, if one is named, leads to the same person, or will.
    is_users: bool,
}

/// What becomes of the other key, as [`Other`] says.
enum Then {
    Leave,
    Give,
    Replace,
    Join { into: String, from: String },
}

impl Teller<'_> {
    /// Stores it → whether it is new.
    pub(super) async fn tell(&self, fact: Fact<'_>) -> Result<bool, Error> {
        let Fact { index, whose, item } = fact;
        let context = item.context.map(ToOwned::to_owned);
        let message_id = item.message_id.clone().filter(|id| !id.is_empty()).or_else(|| known_by(&whose, &item));
        let claim = names(&whose, &item);
        let rest = Rest { index, timestamp: item.timestamp, message_id, context, claim };
        match item.what {
            What::Identify { traits, once } => self.identify(whose, traits, once, rest).await,
            What::Alias { previous } => self.alias(whose, &previous, rest).await,
            What::Event { .. } => Ok(false),
        }
    }

    async fn identify(&self, whose: Whose, mut said: Traits, mut once: Traits, rest: Rest) -> Result<bool, Error> {
        let mut all = once.clone();
        all.extend(said.clone());
        let hash = all.remove("userHash").and_then(|hash| hash.as_str().map(str::to_owned));
        let Some(who) = self.who(whose.user.clone(), addressed(&all), hash.is_some()).await? else {
            return self.nobody(whose, &all, rest).await;
        };
        if let Then::Join { into, from } = &who.then {
            // Whom an admin parted stay two, and it is said of the user.
            identity::join(self.call, self.company, into, from, "server").await?;
        }
        let (profile, is_new) = match (self.secret, &whose.session) {
            (Some(secret), None) => {
                let rows = vec![self.row("identify", &serde_json::to_string(&all)?, &who.by.key, rest)?];
                let ids = Identifiers {
                    address: Some(who.by.key.clone()),
                    email: who.by.typed.clone(),
                    ..Identifiers::default()
                };
                let kept = keep(self.call, secret, self.sent_ms, ids, rows).await?;
                (kept.profile, kept.came.new > 0)
            }
            _ => self.claim("identify", &session(&whose, &who), &who.by, all, hash, rest).await?,
        };
        let Some(profile) = profile else { return Ok(is_new) };
        self.give(&who, &profile).await?;
        if self.secret.is_some() {
            for traits in [&mut said, &mut once] {
                traits.remove("userHash");
                traits.remove("email");
            }
            self.say(&who, &profile, said, once).await?;
        }
        Ok(is_new)
    }

    /// Finds out by which key the person is known; `None` where neither a user id nor an address is named. `has_proof` is whether a `userHash` comes with them.
    async fn who(
        &self,
        user: Option<String>,
        addressed: Option<(String, String)>,
        has_proof: bool,
    ) -> Result<Option<Who>, Error> {
        let alone = |by| Some(Who { by, other: None, then: Then::Leave, is_users: true });
        let (user, address) = match (user, addressed) {
            (None, None) => return Ok(None),
            (Some(user), None) => return Ok(alone(Named::user(user))),
            (None, Some((typed, key))) => return Ok(alone(Named { key, typed: Some(typed) })),
            (Some(user), Some((typed, key))) => (Named::user(user), Named { key, typed: Some(typed) }),
        };
        if user.key == address.key {
            return Ok(alone(address));
        }
        let rows = people::led(self.call.db(Some(self.company))?, self.company, &[&user.key, &address.key]).await?;
        let led = |key: &str| rows.iter().find(|row| row.key == key).map(people::Led::as_led);
        let (by, other) = match pair::decide(self.secret.is_some(), led(&user.key), led(&address.key)) {
            // A proof is of the address, whoever the user id leads to: a refusal would tell that it does.
            (Key::User, _) if has_proof && self.is_proof_asked().await? => (Key::Address, Other::Leave),
            // Where pages must prove who they identify, none is given another key: what was proved is one, not that the
            // other is the same person's.
            (by, Other::Give) if self.is_proof_required().await? => (by, Other::Leave),
            decided => decided,
        };
        let [users, addresses] = [led(&user.key), led(&address.key)].map(|led| led.map(|led| led.profile));
        let person = if by == Key::User { &user.key } else { &address.key };
        let is_full = rows.iter().any(|row| row.key == *person && row.is_full());
        let then = match other {
            Other::Give | Other::Replace if is_full && self.secret.is_some() => {
                return Err(edits::full("userId").into());
            }
            Other::Give if is_full => Then::Leave,
            Other::Leave => Then::Leave,
            Other::Give => Then::Give,
            Other::Replace => Then::Replace,
            Other::Join { into, from } => Then::Join { into: into.to_owned(), from: from.to_owned() },
        };
        let is_users = by == Key::User || !matches!(then, Then::Leave) || users.is_some() && users == addresses;
        let (by, other) = match by {
            Key::User => (user, address),
            Key::Address => (address, user),
        };
        Ok(Some(Who { by, other: Some(other), then, is_users }))
    }

    async fn verification(&self) -> Result<Option<Verification>, Error> {
        let db = self.call.db(Some(self.company))?;
        Ok(companies::verification(db, self.company).await?.map(|(rule, _)| rule))
    }

    /// Whether a proof that a page shows is looked at.
    async fn is_proof_asked(&self) -> Result<bool, Error> {
        let is_page = self.secret.is_none();
        Ok(is_page && matches!(self.verification().await?, Some(Verification::Optional | Verification::Required)))
    }

    /// Whether a page must prove whom it identifies.
    async fn is_proof_required(&self) -> Result<bool, Error> {
        Ok(self.secret.is_none() && self.verification().await? == Some(Verification::Required))
    }

    /// Gives the other key to the person.
    async fn give(&self, who: &Who, profile: &str) -> Result<(), Error> {
        let (Then::Give, Some(other)) = (&who.then, &who.other) else { return Ok(()) };
        let db = self.call.db(Some(self.company))?;
        Ok(people::bind(
            db,
            self.company,
            profile,
            &other.key,
            other.typed.as_deref(),
            entropy::number(),
            self.call.now_ms(),
        )
        .await?)
    }

    /// Says as the server what is known of a person; `once` where nothing is.
    async fn say(&self, who: &Who, profile: &str, said: Traits, once: Traits) -> Result<(), Error> {
        let mut traits = once;
        if !traits.is_empty() {
            let known = find(self.call, self.company, profile).await?.person(self.company)?.traits();
            traits.retain(|name, _| !known.contains_key(name));
        }
        traits.extend(said);
        texts(&mut traits);
        let email = match (&who.then, &who.other) {
            (Then::Replace, Some(other)) => other.typed.as_ref(),
            _ => None,
        };
        if traits.is_empty() && email.is_none() {
            return Ok(());
        }
        let mut user = json!({ "traits": traits });
        if let (Some(email), Value::Object(user)) = (email, &mut user) {
            user.insert("email".to_owned(), Value::String(email.clone()));
        }
        let (edit, _) = Edit::read_mildly(&user.to_string(), "server", address);
        edits::change(self.call, self.company, profile, &edit).await.map(drop)
    }

    /// Traits of somebody who is not known yet: an event of the session.
    async fn nobody(&self, whose: Whose, traits: &Traits, rest: Rest) -> Result<bool, Error> {
        let session = whose.public_session();
        let rows = vec![self.row("identify", &serde_json::to_string(traits)?, &session, rest)?];
        let Some(secret) = self.secret else {
            let sent = events::Sent::by(self.call, self.company, session, self.sent_ms, rows);
            return Ok(sent.store(self.call).await?.new > 0);
        };
        let ids = Identifiers { session: Some(session), ..Identifiers::default() };
        Ok(keep(self.call, secret, self.sent_ms, ids, rows).await?.came.new > 0)
    }

    /// That an id which was used before is the user's. A page can only say it of a visitor's id, which takes nothing of anybody who is known; a secret key also
    /// makes one person of two.
    async fn alias(&self, whose: Whose, previous: &str, rest: Rest) -> Result<bool, Error> {
        let missing =
            || Problem::field(Code::MissingField, "userId", "an alias has the userId that the previousId is now");
        let user_key = whose.user.ok_or_else(missing)?;
        let previous_key = user(previous)?;
        if previous_key == user_key {
            return Ok(false);
        }
        let by = Named::user(user_key);
        let data = Traits::from_iter([
            ("previousId".to_owned(), Value::String(previous.to_owned())),
            ("userId".to_owned(), Value::String(by.key.clone())),
        ]);
        if let Some(secret) = self.secret {
            let rows = people::led(self.call.db(Some(self.company))?, self.company, &[&by.key, &previous_key]).await?;
            if rows.iter().any(|row| row.erased == 1) {
                return Err(erased().into());
            }
            let led = |key: &str| rows.iter().find(|row| row.key == key);
            let (into, from) = (led(&by.key), led(&previous_key));
            // Who is known by one of the two is given the other.
            if let (Some(person), None) | (None, Some(person)) = (into, from)
                && person.is_full()
            {
                return Err(edits::full("userId").into());
            }
            if let Some(from) = from {
                let into = into.map(|row| row.profile.as_str());
                return self.unite(secret, (into, &from.profile), by, &data, rest).await;
            }
        }
        let (profile, is_new) = self.claim("alias", &compat::session(previous), &by, data, None, rest).await?;
        if let (Some(_), Some(profile)) = (self.secret, profile) {
            // What comes by the former id from now on is the person's too.
            let (db, former) = (self.call.db(Some(self.company))?, Named::user(previous_key));
            let now = self.call.now_ms();
            people::bind(db, self.company, &profile, &former.key, former.typed.as_deref(), entropy::number(), now)
                .await?;
        }
        Ok(is_new)
    }

    /// Makes one person of two, or gives the one there is another key, unless this alias is stored: so a repeat undoes no undo. One that fails half-way is made
    /// again by a repeat, as it is stored last.
    async fn unite(
        &self,
        secret: &str,
        (into, from): (Option<&str>, &str),
        by: Named,
        data: &Traits,
        rest: Rest,
    ) -> Result<bool, Error> {
        let row = self.row("alias", &serde_json::to_string(data)?, &by.key, rest)?;
        let db = self.call.db(Some(self.company))?;
        if !ingest::known(db, self.company, &[&row.id]).await?.is_empty() {
            return Ok(false);
        }
        match into {
            Some(into) => {
                if !identity::join(self.call, self.company, into, from, "server").await? {
                    return Err(parted().into());
                }
            }
            None => {
                let (number, now) = (entropy::number(), self.call.now_ms());
                people::bind(db, self.company, from, &by.key, by.typed.as_deref(), number, now).await?;
            }
        }
        let ids = Identifiers { address: Some(by.key), email: by.typed, ..Identifiers::default() };
        Ok(keep(self.call, secret, self.sent_ms, ids, vec![row]).await?.came.new > 0)
    }

    /// That a session is somebody's → their profile, if the claim stands, and whether it is new. What an identify tells
    /// is claimed of them too.
    async fn claim(
        &self,
        event: &'static str,
        session: &str,
        by: &Named,
        data: Traits,
        user_hash: Option<String>,
        rest: Rest,
    ) -> Result<(Option<String>, bool), Error> {
        let written = serde_json::to_string(&data)?;
        let mut claims = if event == "identify" { data } else { Traits::new() };
        claims.remove("email");
        let traits = serde_json::to_string(&claims)?;
        person::check_size(&traits)?;
        check_object(&traits, "traits")?;
        let (name, _) = profile::name(claims.get("name"));
        let claim = Claim {
            company: self.company,
            session,
            address: &by.key,
            email: by.typed.as_deref(),
            trusted: self.secret.is_some(),
            name: name.as_deref(),
            traits: &traits,
            event,
            said: &written.clone(),
            data: written,
            timestamp: rest.timestamp,
            message_id: rest.message_id,
            sent_ms: self.sent_ms,
            user_hash,
            context: rest.context,
            claim: Some(rest.claim),
        };
        let claimed = claim.claimed(self.call)?.store(self.call).await?;
        if self.secret.is_some() && claimed.profile.is_none() {
            // A page is not to know that somebody was erased; a server is.
            let owner = people::owner(self.call.db(Some(self.company))?, self.company, &by.key).await?;
            let is_erased = owner.is_some_and(|owner| owner.erased == 1);
            return Err(if is_erased { erased() } else { taken() }.into());
        }
        Ok((claimed.profile, claimed.new))
    }

    /// An event of this name, about this session or key.
    fn row(&self, name: &str, data: &str, subject: &str, rest: Rest) -> Result<Row, Problem> {
        let arrival = Arrival { subject, sent_ms: self.sent_ms, received_ms: self.call.now_ms() };
        let said = Said {
            name: Some(name.to_owned()),
            data,
            timestamp: rest.timestamp,
            message_id: rest.message_id,
            context: rest.context,
        };
        said.row(rest.index, arrival, &mut || self.call.message_id())
    }
}

fn parted() -> Problem {
    let message = "an admin parted these two users; POST /api/admin/identity/merge makes one of them";
    Problem::field(Code::Conflict, "previousId", message)
}

fn taken() -> Problem {
    Problem::field(Code::Conflict, "messageId", "this messageId was used for a claim that does not stand")
}

fn erased() -> Problem {
    Problem::field(Code::ErasedUser, "userId", "this user was erased")
}

/// The session that a claim is about. The one that is named by the user id holds what pages sent with it, which is that
/// user's: whoever is identified by an address that is not theirs claims what is named by the address.
fn session(whose: &Whose, who: &Who) -> String {
    if whose.session.is_none() && !who.is_users { compat::user_session(&who.by.key) } else { whose.public_session() }
}

/// What an item that brings no id is known by if it brings a time: its content, as the client sent it. By which key the person was found is no part of it: that
/// may be another one the second time.
fn known_by(whose: &Whose, item: &Item<'_>) -> Option<String> {
    let ms = item.timestamp.as_ref().and_then(clock::parse)?.to_string();
    let said = match &item.what {
        What::Identify { traits, once } => serde_json::to_string(&(traits, once)).ok()?,
        What::Alias { previous } => previous.clone(),
        What::Event { .. } => return None,
    };
    let [user, session] = [&whose.user, &whose.session].map(|id| id.as_deref().unwrap_or_default());
    Some(content_id(&[user, session, &ms, &said]))
}

/// What tells an item from another one with its message id: all that it names somebody by, as sent. By which of them
/// the person is found may change.
fn names(whose: &Whose, item: &Item<'_>) -> i64 {
    let address = match &item.what {
        What::Identify { traits, once } => addressed(traits).or_else(|| addressed(once)).map(|(_, key)| key),
        What::Alias { previous } => Some(previous.clone()),
        What::Event { .. } => None,
    };
    let [user, session] = [&whose.user, &whose.session].map(|id| id.as_deref().unwrap_or_default());
    ledger::claim(session, &content_id(&[user, &address.unwrap_or_default()]))
}

/// Makes texts of the traits that are texts here, and leaves out what cannot be one.
fn texts(traits: &mut Traits) {
    for name in KNOWN {
        let Some(value) = traits.get(name) else { continue };
        match value {
            Value::String(text) if !text.trim().is_empty() => {}
            Value::Number(_) | Value::Bool(_) => {
                let text = value.to_string();
                traits.insert(name.to_owned(), Value::String(text));
            }
            Value::String(_) | Value::Null | Value::Array(_) | Value::Object(_) => drop(traits.remove(name)),
        }
    }
}
