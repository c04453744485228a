//! A vendor's alias: an id that was used before (`previousId`) belongs to the user. A page can only
//! link the session of a visitor. A server's alias also merges two people.

use serde_json::Value;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::compat::{self, Traits, pair};
use crate::domain::event::content_id;
use crate::domain::secret::Scope;
use crate::error::Error;
use crate::ingest::owner::PersonChange;
use crate::ingest::vendor::context::VendorIdentify;
use crate::ingest::vendor::identify::{EntryFields, TimelineEntry, erased};
use crate::ingest::vendor::identity_key::IdentityKey;
use crate::ingest::vendor::resolve::grant;
use crate::people::conflict::retry_on_conflict;
use crate::people::edit;
use crate::people::identity_key::user;
use crate::people::merge;
use crate::store::aliases::{self, Aliased};
use crate::store::identity_keys::{self, AddedKey, KeyGrant, ResolvedKey};

/// An id that an alias names.
struct AliasId {
    /// As sent.
    sent: String,
    key: IdentityKey,
    /// The session of the visitor with this id.
    session: String,
}

impl AliasId {
    fn read(sent: &str) -> Result<Self, Problem> {
        Ok(Self { sent: sent.to_owned(), key: IdentityKey::of_user_id(user(sent)?), session: compat::session(sent) })
    }

    /// The row of this id's key; `None` if nobody has it.
    fn row<'a>(&self, known: &'a Aliased) -> Option<&'a ResolvedKey> {
        known.keys.iter().find(|row| row.key == self.key.key)
    }
}

/// The two ids of an alias.
struct AliasIds {
    user: AliasId,
    previous: AliasId,
}

impl AliasIds {
    fn data(&self) -> Traits {
        Traits::from_iter([
            ("previousId".to_owned(), Value::String(self.previous.sent.clone())),
            ("userId".to_owned(), Value::String(self.user.key.key.clone())),
        ])
    }
}

/// The result of making two ids one person.
enum JoinOutcome {
    /// Both ids belong to one person.
    Done,
    /// They do once this key is granted, together with the event.
    With(KeyGrant),
    /// Somebody else got the key in between: start over.
    Conflict,
}

impl VendorIdentify<'_> {
    /// Stores an alias. → Whether it is new. With `is_either` the ids may come in either order
    /// (PostHog); for a server the rank of the ids decides. A page gets the order as sent, because
    /// the answer must not reveal who is known.
    ///
    /// # Errors
    /// `missing_field` without a user id; for a server also `erased_user`, `conflict`,
    /// `limit_reached`; `busy` after too many conflicts.
    pub(super) async fn alias(
        &self,
        (user, previous): (&str, &str),
        is_either: bool,
        fields: &EntryFields,
    ) -> Result<bool, Error> {
        if user.is_empty() {
            let message = "an alias has the userId that the previousId is now";
            return Err(Problem::field(Code::MissingField, "userId", message).into());
        }
        let mut ids = AliasIds { user: AliasId::read(user)?, previous: AliasId::read(previous)? };
        if ids.previous.key.key == ids.user.key.key {
            return Ok(false);
        }
        retry_on_conflict(self.cx, async || match self.secret {
            Some(secret) => self.try_alias(secret, &mut ids, is_either, fields).await,
            None => {
                let entry = TimelineEntry { event: "alias", key: &ids.user.key, data: ids.data(), fields };
                let linked = self.link_session(&ids.previous.session, entry, None, PersonChange::default()).await?;
                Ok(Some(linked.is_some_and(|linked| linked.is_new)))
            }
        })
        .await
    }

    /// Stores a server's alias. → Whether it is new; `None` after a conflict.
    async fn try_alias(
        &self,
        secret: &str,
        ids: &mut AliasIds,
        is_either: bool,
        fields: &EntryFields,
    ) -> Result<Option<bool>, Error> {
        let (keys, sessions) =
            ([ids.user.key.key.as_str(), &ids.previous.key.key], [ids.user.session.as_str(), &ids.previous.session]);
        let message_id = fields.message_id.as_deref().unwrap_or_default();
        let db = self.cx.db(self.company)?;
        let known = aliases::find(db, self.company, keys, sessions, (message_id, fields.identify_hash)).await?;
        if is_either && self.rank(&ids.previous, &known) > self.rank(&ids.user, &known) {
            std::mem::swap(&mut ids.user, &mut ids.previous);
        }
        if known.keys.iter().any(|row| row.erased == 1) {
            return Err(erased().into());
        }
        // A repeat must not merge again what was unmerged since.
        if known.is_stored {
            return Ok(Some(false));
        }
        let grant = match self.join_ids(ids, &known).await? {
            JoinOutcome::Done => None,
            JoinOutcome::With(grant) => Some(grant),
            JoinOutcome::Conflict => return Ok(None),
        };
        if is_either {
            self.claim_user_session(ids, &known, fields).await?;
        }
        // The alias is stored last: after a failure half-way a repeat does everything again. The
        // events of the visitor with the previous id become the person's.
        let entry = TimelineEntry { event: "alias", key: &ids.user.key, data: ids.data(), fields };
        let stored = if grant.is_some() || self.is_claimable(&ids.previous, &known).await? {
            let change = PersonChange { edit: None, grant: grant.as_ref() };
            self.link_session(&ids.previous.session, entry, None, change).await?
        } else {
            self.store_trusted(secret, entry, PersonChange::default()).await?
        };
        Ok(stored.map(|stored| stored.is_new))
    }

    /// Makes one person of both ids: merges two people, or lets the person of one have the other
    /// id.
    async fn join_ids(&self, ids: &AliasIds, known: &Aliased) -> Result<JoinOutcome, Error> {
        let (into, from) = (ids.user.row(known), ids.previous.row(known));
        if let (Some(person), None) | (None, Some(person)) = (into, from)
            && person.is_full()
        {
            return Err(edit::full("userId").into());
        }
        Ok(match (into, from) {
            (Some(into), Some(from)) => {
                if !merge::join(self.cx, self.company, &into.profile, &from.profile, Scope::Server).await? {
                    return Err(blocked().into());
                }
                JoinOutcome::Done
            }
            (None, Some(from)) => {
                let (db, key) = (self.cx.db(self.company)?, &ids.user.key);
                let added = AddedKey { profile: &from.profile, key: &key.key, typed: key.typed.as_deref() };
                if identity_keys::add(db, self.company, added, self.cx.stamp()).await? {
                    JoinOutcome::Done
                } else {
                    JoinOutcome::Conflict
                }
            }
            // Later events with the previous id belong to the person too.
            (_, None) => JoinOutcome::With(grant(&known.keys, &ids.user.key, &ids.previous.key, false)),
        })
    }

    /// Claims the session of the user id for the person: both ids may have been those of visitors.
    async fn claim_user_session(&self, ids: &AliasIds, known: &Aliased, fields: &EntryFields) -> Result<(), Error> {
        let AliasId { key, session, .. } = &ids.user;
        if self.is_claimable(&ids.user, known).await? {
            let message_id = fields.message_id.as_ref().map(|id| content_id(&[id, session]));
            let fields = fields.with_message_id(message_id);
            let entry = TimelineEntry { event: "identify", key, data: Traits::new(), fields: &fields };
            self.link_session(session, entry, None, PersonChange::default()).await?;
        }
        Ok(())
    }

    /// Whether the visitor's session of an id may become the person's. Where pages must prove whom
    /// they identify, a person does not get what a browser sent under the name of their id.
    async fn is_claimable(&self, id: &AliasId, known: &Aliased) -> Result<bool, Error> {
        let has_person = id.row(known).is_some();
        Ok(known.is_open(&id.session) && !(has_person && self.pages_require_proofs().await?))
    }

    /// How well an id names a person, and not a visitor.
    fn rank(&self, id: &AliasId, known: &Aliased) -> pair::Rank {
        pair::Rank {
            is_no_visitors: !known.is_session(&id.session) && !self.visitors.contains(&id.session),
            is_address: id.key.typed.is_some(),
            is_known: id.row(known).is_some(),
        }
    }
}

/// An admin has unmerged the two people.
fn blocked() -> Problem {
    let message = "an admin parted these two users; POST /api/admin/identity/merge makes one of them";
    Problem::field(Code::Conflict, "previousId", message)
}
