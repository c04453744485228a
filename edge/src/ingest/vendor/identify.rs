//! A vendor's identify: which person it is about, the timeline entry it makes, and the traits that
//! a server sets.

use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::compat::{self, Item, Traits, What};
use crate::domain::event::{self, Arrival, Row, check_object, content_id};
use crate::domain::secret::Scope;
use crate::domain::{ledger, person};
use crate::error::Error;
use crate::ingest::browser::BrowserBatch;
use crate::ingest::identify::{self, Identify};
use crate::ingest::owner::{OwnerLookup, PersonChange};
use crate::ingest::vendor::context::VendorIdentify;
use crate::ingest::vendor::events::store_events;
use crate::ingest::vendor::identity_key::{IdentityKey, email_key};
use crate::ingest::vendor::item::{IdentityItem, ItemOwner};
use crate::ingest::vendor::resolve::{OtherKeyAction, PersonByKey};
use crate::ingest::vendor::trusted_traits::TrustedTraits;
use crate::people::conflict::ConflictRetries;
use crate::people::merge;
use crate::store::identity_keys;
use crate::store::people::Identifiers;

/// The fields of an item that its timeline entry takes over.
#[derive(Clone)]
pub(super) struct EntryFields {
    index: usize,
    timestamp: Option<Value>,
    pub(super) message_id: Option<String>,
    context: Option<Box<RawValue>>,
    /// Tells the item from another with the same message id: [`identify_hash_of`].
    pub(super) identify_hash: i64,
}

impl EntryFields {
    /// The same fields with another message id.
    pub(super) fn with_message_id(&self, message_id: Option<String>) -> Self {
        Self { message_id, ..self.clone() }
    }

    fn of(IdentityItem { index, owner, item, message_id }: &IdentityItem<'_>) -> Self {
        Self {
            index: *index,
            timestamp: item.timestamp.clone(),
            message_id: Some(message_id.clone()),
            context: item.context.map(ToOwned::to_owned),
            identify_hash: identify_hash_of(owner, item),
        }
    }
}

/// A timeline entry about the person with this key.
pub(super) struct TimelineEntry<'a> {
    pub(super) event: &'static str,
    pub(super) key: &'a IdentityKey,
    pub(super) data: Traits,
    pub(super) fields: &'a EntryFields,
}

/// A timeline entry that was stored.
pub(super) struct StoredEntry {
    /// The person's profile, if the entry belongs to one.
    profile: Option<String>,
    pub(super) is_new: bool,
}

/// The result of an identity item.
pub(super) struct IdentifyOutcome {
    pub(super) is_new: bool,
    /// Traits still to be set, and the profile. The caller sets those of one profile together.
    pub(super) traits: Option<(String, TrustedTraits)>,
}

impl IdentifyOutcome {
    const fn stored(is_new: bool) -> Self {
        Self { is_new, traits: None }
    }
}

impl VendorIdentify<'_> {
    /// Stores an item that identifies a person. The caller sets the traits in the outcome.
    ///
    /// # Errors
    /// The problem of this item; `busy` after too many conflicts; D1's.
    pub(super) async fn store(&self, identity_item: &IdentityItem<'_>) -> Result<IdentifyOutcome, Error> {
        let IdentityItem { owner, item, .. } = identity_item;
        let fields = EntryFields::of(identity_item);
        match &item.what {
            What::Identify { traits, once } => self.identify(owner, traits, once, &fields).await,
            What::Alias { previous, is_either } => {
                let user = item.user.as_deref().unwrap_or_default();
                self.alias((user, previous), *is_either, &fields).await.map(IdentifyOutcome::stored)
            }
            What::Event { .. } => Ok(IdentifyOutcome::stored(false)),
        }
    }

    async fn identify(
        &self,
        owner: &ItemOwner,
        traits: &Traits,
        once: &Traits,
        fields: &EntryFields,
    ) -> Result<IdentifyOutcome, Error> {
        let mut data = once.clone();
        data.extend(traits.clone());
        let hash = data.remove("userHash").and_then(|hash| hash.as_str().map(str::to_owned));
        let trusted = self.secret.map(|_| TrustedTraits::read(traits.clone(), once.clone()));
        let mut retries = ConflictRetries::default();
        loop {
            retries.next(self.cx).await?;
            let email = IdentityKey::of_email_trait(&data);
            let Some(person) = self.resolve_person(owner.user.clone(), email, hash.is_some()).await? else {
                return self.store_anonymous(owner, &data, fields).await.map(IdentifyOutcome::stored);
            };
            if let OtherKeyAction::Merge { into, from } = &person.action {
                // If an admin has unmerged the two, they stay apart and the entry is the user's.
                merge::join(self.cx, self.company, into, from, Scope::Server).await?;
            }
            let edit = trusted.as_ref().map(|trusted| &trusted.edit);
            let change = PersonChange { edit, grant: person.grant() };
            let entry = TimelineEntry { event: "identify", key: &person.key, data: data.clone(), fields };
            let stored = match (self.secret, &owner.session) {
                (Some(secret), None) => self.store_trusted(secret, entry, change).await?,
                _ => self.link_session(&linked_session(owner, &person), entry, hash.clone(), change).await?,
            };
            let Some(StoredEntry { profile, is_new }) = stored else { continue };
            let traits = trusted.map(|traits| traits.with_email(person.new_email())).filter(|t| !t.is_empty());
            return Ok(IdentifyOutcome { is_new, traits: profile.zip(traits) });
        }
    }

    /// Stores an entry as a server's event; `None` after a conflict: then nothing was stored.
    pub(super) async fn store_trusted(
        &self,
        secret: &str,
        TimelineEntry { event, key, data, fields }: TimelineEntry<'_>,
        change: PersonChange<'_>,
    ) -> Result<Option<StoredEntry>, Error> {
        let rows = vec![self.row(event, &serde_json::to_string(&data)?, &key.key, fields)?];
        let (identity_key, email) = (Some(key.key.clone()), key.typed.clone());
        let ids = Identifiers { identity_key, email, ..Identifiers::default() };
        let owner = OwnerLookup::of(ids, self.sent_ms, &rows);
        let stored = store_events(self.cx, secret, owner, rows, change).await?;
        Ok(stored.map(|stored| StoredEntry { profile: stored.profile, is_new: stored.result.new > 0 }))
    }

    /// Stores the traits of an anonymous visitor as an event of the session. → Whether it is new.
    async fn store_anonymous(&self, owner: &ItemOwner, traits: &Traits, fields: &EntryFields) -> Result<bool, Error> {
        let session = owner.public_session();
        let rows = vec![self.row("identify", &serde_json::to_string(traits)?, &session, fields)?];
        let Some(secret) = self.secret else {
            let batch = BrowserBatch::of_session(self.cx, self.company, session, self.sent_ms, rows);
            return Ok(batch.store(self.cx).await?.new > 0);
        };
        let ids = Identifiers { session: Some(session), ..Identifiers::default() };
        let owner = OwnerLookup::of(ids, self.sent_ms, &rows);
        let stored = store_events(self.cx, secret, owner, rows, PersonChange::default()).await?;
        Ok(stored.is_some_and(|stored| stored.result.new > 0))
    }

    /// Stores an entry that links a session to the person; `None` after a conflict: then nothing
    /// was stored. The data of an identify become claimed traits.
    pub(super) async fn link_session(
        &self,
        session: &str,
        TimelineEntry { event, key, data, fields }: TimelineEntry<'_>,
        user_hash: Option<String>,
        change: PersonChange<'_>,
    ) -> Result<Option<StoredEntry>, Error> {
        let written = serde_json::to_string(&data)?;
        let mut claims = if event == "identify" { data } else { Traits::new() };
        claims.remove("email");
        let traits = serde_json::to_string(&claims)?;
        person::check_size(&traits)?;
        check_object(&traits, "traits")?;
        let (name, _) = identify::name(claims.get("name"));
        let fields = fields.clone();
        let identify = Identify {
            company: self.company,
            session,
            identity_key: &key.key,
            email: key.typed.as_deref(),
            trusted: self.secret.is_some(),
            name: name.as_deref(),
            traits: &traits,
            event,
            id_content: &written.clone(),
            data: written,
            timestamp: fields.timestamp,
            message_id: fields.message_id,
            sent_ms: self.sent_ms,
            user_hash,
            context: fields.context,
            identify_hash: Some(fields.identify_hash),
        };
        let Some(linked) = identify.check(self.cx)?.store_with_change(self.cx, change).await? else { return Ok(None) };
        if self.secret.is_some() && linked.profile.is_none() {
            // A server may learn that the person was erased. A page may not.
            let owner = identity_keys::owner(self.cx.db(self.company)?, self.company, &key.key).await?;
            let is_erased = owner.is_some_and(|owner| owner.erased == 1);
            return Err(if is_erased { erased() } else { taken() }.into());
        }
        Ok(Some(StoredEntry { profile: linked.profile, is_new: linked.new }))
    }

    /// An event of this name. Its generated id depends on `subject`, a session or an identity key.
    fn row(&self, name: &str, data: &str, subject: &str, fields: &EntryFields) -> Result<Row, Problem> {
        let arrival = Arrival { subject, sent_ms: self.sent_ms, received_ms: self.cx.now_ms() };
        let fields = fields.clone();
        let event = event::UncheckedEvent {
            name: Some(name.to_owned()),
            data,
            timestamp: fields.timestamp,
            message_id: fields.message_id,
            context: fields.context,
            groups: Vec::new(),
        };
        event.row(fields.index, arrival, &mut || self.cx.message_id())
    }
}

/// The message id belongs to an identify that was undone or refused.
fn taken() -> Problem {
    Problem::field(Code::Conflict, "messageId", "this messageId was used for a claim that does not stand")
}

/// The person of an identity key was erased.
pub(super) fn erased() -> Problem {
    Problem::field(Code::ErasedUser, "userId", "this user was erased")
}

/// The session that an identify links to the person. Without a session the events of a user id lie
/// in a session derived from it, which belongs to that user. So if the person is found by an
/// address and the user id is another user's, the session is derived from the address.
fn linked_session(owner: &ItemOwner, person: &PersonByKey) -> String {
    if owner.session.is_none() && !person.has_user_id {
        compat::user_session(&person.key.key)
    } else {
        owner.public_session()
    }
}

/// Tells an item from another with the same message id, by all its identity keys as sent. By which
/// of them the person is found may change between two tries.
fn identify_hash_of(owner: &ItemOwner, item: &Item<'_>) -> i64 {
    let other = match &item.what {
        What::Identify { traits, once } => email_key(traits, once),
        What::Alias { previous, .. } => Some(previous.clone()),
        What::Event { .. } => None,
    };
    let [user, session] = [&owner.user, &owner.session].map(|id| id.as_deref().unwrap_or_default());
    ledger::identify_hash(session, &content_id(&[user, &other.unwrap_or_default()]))
}
