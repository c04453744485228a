//! An identity key of a vendor item, with the address as typed.

use trackmate_wire::ids::{email_typed, key_kind};

use crate::domain::compat::Traits;
use crate::people::identity_key::address;

/// A key by which a person is found: a user id or an email address.
pub(super) struct IdentityKey {
    /// The normalised key, as stored.
    pub(super) key: String,
    /// The address as typed; `None` for a user id.
    pub(super) typed: Option<String>,
}

impl IdentityKey {
    /// The key of a user id, which may be an email address.
    pub(super) fn of_user_id(key: String) -> Self {
        let typed = Some(key.clone()).filter(|key| key_kind(key) == "email");
        Self { key, typed }
    }

    /// The address in the trait `email`; `None` if it is missing or no address.
    pub(super) fn of_email_trait(traits: &Traits) -> Option<Self> {
        let typed = email_typed(traits.get("email")?.as_str()?);
        let key = address(&typed).ok()?;
        Some(Self { key, typed: Some(typed) })
    }
}

/// The key of the address in an identify's traits.
pub(super) fn email_key(traits: &Traits, once: &Traits) -> Option<String> {
    IdentityKey::of_email_trait(traits).or_else(|| IdentityKey::of_email_trait(once)).map(|email| email.key)
}
