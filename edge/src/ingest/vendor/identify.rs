//! Who somebody is, as a vendor's client says it: an identify, or an alias.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde_json::value::RawValue;
use serde_json::{Value, json};
use trackmate_wire::ids::key_kind;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::compat::pair::{self, Key, Other};
use crate::domain::compat::{self, Item, Traits, What};
use crate::domain::edit::Edit;
use crate::domain::event::{self, Arrival, Row, check_object, content_id};
use crate::domain::ledger;
use crate::domain::person::{self, KNOWN, Person};
use crate::error::Error;
use crate::ingest::browser::BrowserBatch;
use crate::ingest::context::IngestContext;
use crate::ingest::identify::{self, Identify};
use crate::ingest::owner::Says;
use crate::ingest::vendor::events::keep;
use crate::ingest::vendor::item::{Fact, Whose, addressed};
use crate::people::conflict::ConflictRetries;
use crate::people::edit::{self, PendingEdit};
use crate::people::identity_key::{address, user};
use crate::people::merge;
use crate::runtime::random;
use crate::store::aliases::{self, Aliased};
use crate::store::companies::{self, Verification};
use crate::store::identity_keys::{self, Give, Led};
use crate::store::people::Identifiers;

/// Who tells it.
pub(crate) struct Teller<'a> {
    pub(crate) cx: &'a IngestContext,
    pub(crate) company: &'a str,
    pub(crate) sent_ms: Option<i64>,
    /// The hash of the secret key that vouches, if one does.
    pub(crate) secret: Option<&'a str>,
    /// The sessions of those of the request's events that name nobody else; none for a page, whose
    /// aliases are not ranked.
    pub(crate) visitors: HashSet<String>,
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

/// An id that an alias names.
struct Id {
    /// As sent.
    sent: String,
    named: Named,
    /// The session that it is a visitor's id of.
    session: String,
}

impl Id {
    fn read(sent: &str) -> Result<Self, Problem> {
        Ok(Self { sent: sent.to_owned(), named: Named::user(user(sent)?), session: compat::session(sent) })
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
    Give(Give),
    Replace,
    Join { into: String, from: String },
}

/// What came of an item so far.
pub(crate) struct Told {
    /// Whether it is new.
    pub(crate) is_new: bool,
    /// What is still to be said of whom.
    pub(crate) saying: Option<(String, Said)>,
}

impl Told {
    const fn only(is_new: bool) -> Self {
        Self { is_new, saying: None }
    }
}

/// What a server's item says of a person beside that they are identified.
pub(crate) struct Said {
    /// All of it, as an edit.
    all: Edit,
    traits: Traits,
    /// Traits that are said where nothing is known.
    once: Traits,
    /// The address that becomes theirs.
    email: Option<String>,
}

impl Said {
    /// Reads what can be read of it.
    fn read(mut traits: Traits, mut once: Traits) -> Self {
        for traits in [&mut traits, &mut once] {
            traits.remove("userHash");
            traits.remove("email");
            texts(traits);
        }
        let mut all = once.clone();
        all.extend(traits.clone());
        Self { all: edit(&all, None), traits, once, email: None }
    }

    fn is_empty(&self) -> bool {
        self.traits.is_empty() && self.once.is_empty() && self.email.is_none()
    }

    /// Whether it gives the person an address.
    pub(crate) const fn gives_address(&self) -> bool {
        self.email.is_some()
    }
}

fn edit(traits: &Traits, email: Option<&str>) -> Edit {
    let mut user = json!({ "traits": traits });
    if let (Some(email), Value::Object(user)) = (email, &mut user) {
        user.insert("email".to_owned(), Value::String(email.to_owned()));
    }
    Edit::read_mildly(&user.to_string(), "server", address).0
}

impl PendingEdit for Said {
    fn edit(&self, person: &Person) -> Result<Option<Cow<'_, Edit>>, Problem> {
        let known = if self.once.is_empty() { BTreeMap::new() } else { person.traits() };
        let is_known = |name: &String| known.contains_key(name);
        if self.email.is_none() && !self.once.keys().any(is_known) {
            return Ok(Some(Cow::Borrowed(&self.all)));
        }
        let mut traits = self.once.clone();
        traits.retain(|name, _| !is_known(name));
        traits.extend(self.traits.clone());
        Ok(Some(Cow::Owned(edit(&traits, self.email.as_deref()))))
    }
}

impl Teller<'_> {
    /// Stores that somebody is identified. What a server says of them beyond that is the caller's
    /// to see to.
    pub(crate) async fn tell(&self, fact: &Fact<'_>) -> Result<Told, Error> {
        let Fact { index, whose, item, message_id } = fact;
        let rest = || Rest {
            index: *index,
            timestamp: item.timestamp.clone(),
            message_id: Some(message_id.clone()),
            context: item.context.map(ToOwned::to_owned),
            claim: names(whose, item),
        };
        match &item.what {
            What::Identify { traits, once } => self.identify(whose, traits, once, rest).await,
            What::Alias { previous, is_either } => {
                let user = item.user.as_deref().unwrap_or_default();
                self.alias((user, previous), *is_either, rest).await.map(Told::only)
            }
            What::Event { .. } => Ok(Told::only(false)),
        }
    }

    async fn identify(
        &self,
        whose: &Whose,
        said: &Traits,
        once: &Traits,
        rest: impl Fn() -> Rest,
    ) -> Result<Told, Error> {
        let mut all = once.clone();
        all.extend(said.clone());
        let hash = all.remove("userHash").and_then(|hash| hash.as_str().map(str::to_owned));
        let saying = self.secret.map(|_| Said::read(said.clone(), once.clone()));
        let mut retries = ConflictRetries::default();
        loop {
            retries.next(self.cx).await?;
            let Some(who) = self.who(whose.user.clone(), addressed(&all), hash.is_some()).await? else {
                return self.nobody(whose, &all, rest()).await.map(Told::only);
            };
            if let Then::Join { into, from } = &who.then {
                // Whom an admin parted stay two, and it is said of the user.
                merge::join(self.cx, self.company, into, from, "server").await?;
            }
            let says = Says { edit: saying.as_ref().map(|said| &said.all), give: who.give() };
            let stored = match (self.secret, &whose.session) {
                (Some(secret), None) => self.told("identify", secret, &all, &who.by, says, rest()).await?,
                _ => {
                    let session = session(whose, &who);
                    self.claim("identify", &session, &who.by, all.clone(), hash.clone(), rest(), says).await?
                }
            };
            let Some((profile, is_new)) = stored else { continue };
            let email = match (&who.then, &who.other) {
                (Then::Replace, Some(other)) => other.typed.clone(),
                _ => None,
            };
            let saying = saying.map(|said| Said { email, ..said }).filter(|said| !said.is_empty());
            return Ok(Told { is_new, saying: profile.zip(saying) });
        }
    }

    /// Stores what a server tells of somebody → their profile and whether it is new; `None` if what
    /// was read of two keys holds no longer.
    async fn told(
        &self,
        event: &str,
        secret: &str,
        data: &Traits,
        by: &Named,
        says: Says<'_>,
        rest: Rest,
    ) -> Result<Option<(Option<String>, bool)>, Error> {
        let rows = vec![self.row(event, &serde_json::to_string(data)?, &by.key, rest)?];
        let (address, email) = (Some(by.key.clone()), by.typed.clone());
        let ids = Identifiers { address, email, ..Identifiers::default() };
        let kept = keep(self.cx, secret, self.sent_ms, ids, rows, says).await?;
        Ok(kept.map(|kept| (kept.profile, kept.result.new > 0)))
    }

    /// Finds out by which key the person is known; `None` where neither a user id nor an address is
    /// named. `has_proof` is whether a `userHash` comes with them.
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
        let rows =
            identity_keys::led(self.cx.db(Some(self.company))?, self.company, &[&user.key, &address.key]).await?;
        let led = |key: &str| rows.iter().find(|row| row.key == key).map(Led::as_led);
        let (by, other) = match pair::decide(self.secret.is_some(), led(&user.key), led(&address.key)) {
            // A proof is of the address, whoever the user id leads to: a refusal would tell that it
            // does.
            (Key::User, _) if has_proof && self.is_proof_asked().await? => (Key::Address, Other::Leave),
            // Where pages must prove who they identify, none is given another key: what was proved
            // is one, not that the other is the same person's.
            (by, Other::Give) if self.is_proof_required().await? => (by, Other::Leave),
            decided => decided,
        };
        let [users, addresses] = [led(&user.key), led(&address.key)].map(|led| led.map(|led| led.profile));
        let person = if by == Key::User { &user.key } else { &address.key };
        let is_full = rows.iter().any(|row| row.key == *person && row.is_full());
        let then = match other {
            Other::Give | Other::Replace if is_full && self.secret.is_some() => {
                return Err(edit::full("userId").into());
            }
            Other::Give if is_full => Then::Leave,
            Other::Leave => Then::Leave,
            Other::Give => {
                let (by, other) = if by == Key::User { (&user, &address) } else { (&address, &user) };
                Then::Give(give(&rows, by, other, true))
            }
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
        let db = self.cx.db(Some(self.company))?;
        Ok(companies::verification(db, self.company).await?.map(|(rule, _)| rule))
    }

    /// Whether a proof that a page shows is looked at.
    async fn is_proof_asked(&self) -> Result<bool, Error> {
        let is_page = self.secret.is_none();
        Ok(is_page && matches!(self.verification().await?, Some(Verification::Optional | Verification::Required)))
    }

    /// Whether a page must prove whom it identifies.
    async fn is_proof_required(&self) -> Result<bool, Error> {
        Ok(self.secret.is_none() && self.is_strict().await?)
    }

    /// Whether the company's pages must prove whom they identify.
    async fn is_strict(&self) -> Result<bool, Error> {
        Ok(self.verification().await? == Some(Verification::Required))
    }

    /// Traits of somebody who is not known yet: an event of the session.
    async fn nobody(&self, whose: &Whose, traits: &Traits, rest: Rest) -> Result<bool, Error> {
        let session = whose.public_session();
        let rows = vec![self.row("identify", &serde_json::to_string(traits)?, &session, rest)?];
        let Some(secret) = self.secret else {
            let sent = BrowserBatch::of_session(self.cx, self.company, session, self.sent_ms, rows);
            return Ok(sent.store(self.cx).await?.new > 0);
        };
        let ids = Identifiers { session: Some(session), ..Identifiers::default() };
        Ok(keep(self.cx, secret, self.sent_ms, ids, rows, Says::default())
            .await?
            .is_some_and(|kept| kept.result.new > 0))
    }

    /// That an id which was used before is the user's. A page can only say it of a visitor's id,
    /// which takes nothing of anybody who is known; a secret key also makes one person of two.
    /// Where either id may be the one that was used before, what is known of both decides, for a
    /// secret key: what a page is answered may not depend on who is known.
    async fn alias(
        &self,
        (user, previous): (&str, &str),
        is_either: bool,
        rest: impl Fn() -> Rest,
    ) -> Result<bool, Error> {
        if user.is_empty() {
            let message = "an alias has the userId that the previousId is now";
            return Err(Problem::field(Code::MissingField, "userId", message).into());
        }
        let (mut by, mut former) = (Id::read(user)?, Id::read(previous)?);
        if former.named.key == by.named.key {
            return Ok(false);
        }
        let mut retries = ConflictRetries::default();
        loop {
            retries.next(self.cx).await?;
            let known = if self.secret.is_some() { Some(self.aliased(&by, &former, rest()).await?) } else { None };
            if let Some(known) = known.as_ref().filter(|_| is_either) {
                let rank = |id: &Id| self.rank(id, known);
                if rank(&former) > rank(&by) {
                    std::mem::swap(&mut by, &mut former);
                }
            }
            let data = Traits::from_iter([
                ("previousId".to_owned(), Value::String(former.sent.clone())),
                ("userId".to_owned(), Value::String(by.named.key.clone())),
            ]);
            let (Some(secret), Some(known)) = (self.secret, known) else {
                let claimed =
                    self.claim("alias", &former.session, &by.named, data, None, rest(), Says::default()).await?;
                return Ok(claimed.is_some_and(|(_, is_new)| is_new));
            };
            if known.led.iter().any(|row| row.erased == 1) {
                return Err(erased().into());
            }
            // So a repeat undoes no undo.
            if known.is_stored {
                return Ok(false);
            }
            let led = |id: &Id| known.led.iter().find(|row| row.key == id.named.key);
            let (into, from) = (led(&by), led(&former));
            // Who is known by one of the two is given the other.
            if let (Some(person), None) | (None, Some(person)) = (into, from)
                && person.is_full()
            {
                return Err(edit::full("userId").into());
            }
            let give = match (into, from) {
                (Some(into), Some(from)) => {
                    if !merge::join(self.cx, self.company, &into.profile, &from.profile, "server").await? {
                        return Err(parted().into());
                    }
                    None
                }
                (None, Some(from)) => {
                    let (db, now) = (self.cx.db(Some(self.company))?, self.cx.now_ms());
                    let (key, typed) = (&by.named.key, by.named.typed.as_deref());
                    if !identity_keys::bind(db, self.company, &from.profile, key, typed, random::number(), now).await? {
                        continue;
                    }
                    None
                }
                // What comes by the former id from now on is the person's too.
                (_, None) => Some(give(&known.led, &by.named, &former.named, false)),
            };
            // Where pages have to prove who they are, nobody is given what some page sent under the
            // name of their own id.
            let is_claimable = |has_person: bool, session: &str| {
                let is_open = known.is_open(session);
                async move { Ok::<_, Error>(is_open && !(has_person && self.is_strict().await?)) }
            };
            // Both may be visitors': then the other one's session is said to be the person's too.
            if is_either && is_claimable(into.is_some(), &by.session).await? {
                let rest = Rest { message_id: rest().message_id.map(|id| content_id(&[&id, &by.session])), ..rest() };
                self.claim("identify", &by.session, &by.named, Traits::new(), None, rest, Says::default()).await?;
            }
            // What a visitor did by the former id is the person's. The alias is stored last: if
            // this fails half-way, a repeat does it all.
            let stored = if give.is_some() || is_claimable(from.is_some(), &former.session).await? {
                self.claim(
                    "alias",
                    &former.session,
                    &by.named,
                    data,
                    None,
                    rest(),
                    Says { edit: None, give: give.as_ref() },
                )
                .await?
            } else {
                self.told("alias", secret, &data, &by.named, Says::default(), rest()).await?
            };
            if let Some((_, is_new)) = stored {
                return Ok(is_new);
            }
        }
    }

    /// What is known of the two ids of an alias, and whether it is stored.
    async fn aliased(&self, by: &Id, former: &Id, rest: Rest) -> Result<Aliased, Error> {
        let (keys, sessions) = ([by.named.key.as_str(), &former.named.key], [by.session.as_str(), &former.session]);
        let (id, claim) = (rest.message_id.unwrap_or_default(), rest.claim);
        let db = self.cx.db(Some(self.company))?;
        Ok(aliases::find(db, self.company, keys, sessions, (&id, claim)).await?)
    }

    /// How well an id says who somebody is, and not what a visitor was called before.
    fn rank(&self, id: &Id, known: &Aliased) -> pair::Rank {
        pair::Rank {
            is_no_visitors: !known.is_session(&id.session) && !self.visitors.contains(&id.session),
            is_address: id.named.typed.is_some(),
            is_known: known.led.iter().any(|row| row.key == id.named.key),
        }
    }

    /// That a session is somebody's → their profile, and whether it is new; `None` if what was read
    /// of two keys holds no longer. What an identify tells is claimed of them too.
    #[allow(clippy::too_many_arguments, reason = "each is what a claim says")]
    async fn claim(
        &self,
        event: &'static str,
        session: &str,
        by: &Named,
        data: Traits,
        user_hash: Option<String>,
        rest: Rest,
        says: Says<'_>,
    ) -> Result<Option<(Option<String>, bool)>, Error> {
        let written = serde_json::to_string(&data)?;
        let mut claims = if event == "identify" { data } else { Traits::new() };
        claims.remove("email");
        let traits = serde_json::to_string(&claims)?;
        person::check_size(&traits)?;
        check_object(&traits, "traits")?;
        let (name, _) = identify::name(claims.get("name"));
        let claim = Identify {
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
        let Some(claimed) = claim.check(self.cx)?.store_and_say(self.cx, says).await? else { return Ok(None) };
        if self.secret.is_some() && claimed.profile.is_none() {
            // A page is not to know that somebody was erased; a server is.
            let owner = identity_keys::owner(self.cx.db(Some(self.company))?, self.company, &by.key).await?;
            let is_erased = owner.is_some_and(|owner| owner.erased == 1);
            return Err(if is_erased { erased() } else { taken() }.into());
        }
        Ok(Some((claimed.profile, claimed.new)))
    }

    /// An event of this name, about this session or key.
    fn row(&self, name: &str, data: &str, subject: &str, rest: Rest) -> Result<Row, Problem> {
        let arrival = Arrival { subject, sent_ms: self.sent_ms, received_ms: self.cx.now_ms() };
        let said = event::Said {
            name: Some(name.to_owned()),
            data,
            timestamp: rest.timestamp,
            message_id: rest.message_id,
            context: rest.context,
            groups: Vec::new(),
        };
        said.row(rest.index, arrival, &mut || self.cx.message_id())
    }
}

impl Who {
    const fn give(&self) -> Option<&Give> {
        if let Then::Give(give) = &self.then { Some(give) } else { None }
    }
}

/// That whoever `by` leads to, or who is made by it, is given `other`; if `fills_gap`, because they
/// have no key of its kind.
fn give(rows: &[Led], by: &Named, other: &Named, fills_gap: bool) -> Give {
    let led = |key: &str| rows.iter().find(|row| row.key == key);
    let person = led(&by.key);
    Give {
        by: by.key.clone(),
        profile: person.map(|led| led.profile.clone()),
        key: other.key.clone(),
        typed: other.typed.clone(),
        former: led(&other.key).map(|led| led.profile.clone()),
        had: person.filter(|_| fills_gap).map(|led| (led.further, led.addressed)),
        number: random::number(),
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

/// The session that a claim is about. The one that is named by the user id holds what pages sent
/// with it, which is that user's: whoever is identified by an address that is not theirs claims
/// what is named by the address.
fn session(whose: &Whose, who: &Who) -> String {
    if whose.session.is_none() && !who.is_users { compat::user_session(&who.by.key) } else { whose.public_session() }
}

/// What tells an item from another one with its message id: all that it names somebody by, as sent.
/// By which of them the person is found may change.
fn names(whose: &Whose, item: &Item<'_>) -> i64 {
    let address = match &item.what {
        What::Identify { traits, once } => addressed(traits).or_else(|| addressed(once)).map(|(_, key)| key),
        What::Alias { previous, .. } => Some(previous.clone()),
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
