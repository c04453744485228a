//! Which person a vendor's identify is about: the user id and the address are looked up together,
//! and `domain::compat::pair` decides between them.

use crate::domain::compat::pair::{self, Key, Other};
use crate::error::Error;
use crate::ingest::vendor::context::VendorIdentify;
use crate::ingest::vendor::identity_key::IdentityKey;
use crate::people::edit;
use crate::runtime::random;
use crate::store::companies::{self, Verification};
use crate::store::identity_keys::{self, KeyGrant, ResolvedKey};

/// The identity key by which the person is found, and what happens to the other one.
pub(super) struct PersonByKey {
    pub(super) key: IdentityKey,
    pub(super) other: Option<IdentityKey>,
    pub(super) action: OtherKeyAction,
    /// Whether the user id of the item belongs to this person, or will.
    pub(super) has_user_id: bool,
}

/// What happens to the other identity key: see [`Other`].
pub(super) enum OtherKeyAction {
    Leave,
    Grant(KeyGrant),
    Replace,
    Merge { into: String, from: String },
}

impl PersonByKey {
    const fn alone(key: IdentityKey) -> Self {
        Self { key, other: None, action: OtherKeyAction::Leave, has_user_id: true }
    }

    /// The key that the person gets with the event.
    pub(super) const fn grant(&self) -> Option<&KeyGrant> {
        if let OtherKeyAction::Grant(grant) = &self.action { Some(grant) } else { None }
    }

    /// The address that replaces the person's present one.
    pub(super) fn new_email(&self) -> Option<String> {
        match (&self.action, &self.other) {
            (OtherKeyAction::Replace, Some(other)) => other.typed.clone(),
            _ => None,
        }
    }
}

impl VendorIdentify<'_> {
    /// Finds the identity key of the person; `None` without a user id and an address. `has_proof`
    /// is whether the item has a `userHash`.
    ///
    /// # Errors
    /// `limit_reached` if a server names a key for a person who may have no more; D1's.
    pub(super) async fn resolve_person(
        &self,
        user: Option<String>,
        email: Option<IdentityKey>,
        has_proof: bool,
    ) -> Result<Option<PersonByKey>, Error> {
        Ok(match (user.map(IdentityKey::of_user_id), email) {
            (None, None) => None,
            (Some(key), None) | (None, Some(key)) => Some(PersonByKey::alone(key)),
            (Some(user), Some(email)) if user.key == email.key => Some(PersonByKey::alone(email)),
            (Some(user), Some(email)) => Some(self.decide(user, email, has_proof).await?),
        })
    }

    async fn decide(&self, user: IdentityKey, email: IdentityKey, has_proof: bool) -> Result<PersonByKey, Error> {
        let db = self.cx.db(self.company)?;
        let rows = identity_keys::resolve_keys(db, self.company, &[&user.key, &email.key]).await?;
        let find = |key: &str| rows.iter().find(|row| row.key == key).map(ResolvedKey::for_decision);
        let (by, other) = match pair::decide(self.secret.is_some(), find(&user.key), find(&email.key)) {
            // The proof is of the address, whoever owns the user id. A refusal here would reveal
            // that somebody does.
            (Key::User, _) if has_proof && self.checks_proofs().await? => (Key::Address, Other::Leave),
            // Where pages must prove whom they identify, they cannot add a key: the proof covers
            // one key, and not that both belong to one person.
            (by, Other::Grant) if self.requires_proofs().await? => (by, Other::Leave),
            decided => decided,
        };
        let [users, addresses] = [find(&user.key), find(&email.key)].map(|row| row.map(|row| row.profile));
        let person = if by == Key::User { &user.key } else { &email.key };
        let is_full = rows.iter().any(|row| row.key == *person && row.is_full());
        let action = match other {
            Other::Grant | Other::Replace if is_full && self.secret.is_some() => {
                return Err(edit::full("userId").into());
            }
            Other::Grant if is_full => OtherKeyAction::Leave,
            Other::Leave => OtherKeyAction::Leave,
            Other::Grant => {
                let (by, other) = if by == Key::User { (&user, &email) } else { (&email, &user) };
                OtherKeyAction::Grant(grant(&rows, by, other, true))
            }
            Other::Replace => OtherKeyAction::Replace,
            Other::Join { into, from } => OtherKeyAction::Merge { into: into.to_owned(), from: from.to_owned() },
        };
        let has_user_id =
            by == Key::User || !matches!(action, OtherKeyAction::Leave) || users.is_some() && users == addresses;
        let (key, other) = if by == Key::User { (user, email) } else { (email, user) };
        Ok(PersonByKey { key, other: Some(other), action, has_user_id })
    }

    async fn verification(&self) -> Result<Option<Verification>, Error> {
        let db = self.cx.db(self.company)?;
        Ok(companies::verification(db, self.company).await?.map(|(rule, _)| rule))
    }

    /// Whether TrackMate checks the `userHash` that this caller sends.
    async fn checks_proofs(&self) -> Result<bool, Error> {
        let is_page = self.secret.is_none();
        Ok(is_page && matches!(self.verification().await?, Some(Verification::Optional | Verification::Required)))
    }

    /// Whether this caller must prove whom it identifies.
    async fn requires_proofs(&self) -> Result<bool, Error> {
        Ok(self.secret.is_none() && self.pages_require_proofs().await?)
    }

    /// Whether the company's pages must prove whom they identify.
    pub(super) async fn pages_require_proofs(&self) -> Result<bool, Error> {
        Ok(self.verification().await? == Some(Verification::Required))
    }
}

/// Grants the key `other` to the person found by the key `by`, or made with it. `fills_gap` is
/// whether the person gets it because they have no key of that kind.
pub(super) fn grant(rows: &[ResolvedKey], by: &IdentityKey, other: &IdentityKey, fills_gap: bool) -> KeyGrant {
    let find = |key: &str| rows.iter().find(|row| row.key == key);
    let person = find(&by.key);
    KeyGrant {
        by: by.key.clone(),
        profile: person.map(|row| row.profile.clone()),
        key: other.key.clone(),
        typed: other.typed.clone(),
        former: find(&other.key).map(|row| row.profile.clone()),
        had: person.filter(|_| fills_gap).map(|row| (row.further, row.addressed)),
        marker: random::number(),
    }
}
