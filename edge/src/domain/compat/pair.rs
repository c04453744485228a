//! A user id and an address in the same item: decides which of them finds the person, and what
//! happens to the other.
//!
//! The user id has priority over the address. A public caller only fills gaps: a person without one
//! of the keys gets it, unless a server has set trusted data for them. A public caller never merges
//! two known people. A secret key is trusted, so the people of both keys are merged, unless the
//! person of the address has another user id.

/// The person to whom an identity key resolves.
#[derive(Debug, Clone, Copy)]
pub struct ResolvedKey<'a> {
    /// The profile.
    pub profile: &'a str,
    /// Whether the person gave the key up.
    pub is_ended: bool,
    /// Whether the person was erased.
    pub is_erased: bool,
    /// Whether the person has an address.
    pub has_address: bool,
    /// Whether the person has a user id.
    pub has_user_id: bool,
    /// Whether a secret key has set data of the person. A page can then add no key.
    pub is_vouched: bool,
}

/// The key that finds the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The user id.
    User,
    /// The address.
    Address,
}

/// How well an id identifies a person. A server's alias may have its two ids in either order. The
/// id of the higher rank is then the person's, and the other one was used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Whether no visitor has used it.
    pub is_no_visitors: bool,
    /// Whether it is an address.
    pub is_address: bool,
    /// Whether it resolves to a person.
    pub is_known: bool,
}

/// What happens to the other key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other<'a> {
    /// Nothing happens.
    Leave,
    /// The person gets the key.
    Grant,
    /// The key replaces the person's address.
    Replace,
    /// The person of the other key is merged with this one.
    Join {
        /// The profile that remains.
        into: &'a str,
        /// The profile that is merged into it.
        from: &'a str,
    },
}

/// Makes the decision. `trusted` is whether the item came with a secret key.
#[must_use]
pub fn decide<'a>(trusted: bool, user: Option<ResolvedKey<'a>>, address: Option<ResolvedKey<'a>>) -> (Key, Other<'a>) {
    // An address that a person gave up still finds them until somebody else gets it. A secret key
    // may give it to somebody else.
    let is_free = trusted && address.is_some_and(|resolved| resolved.is_ended);
    match (user, address.filter(|_| !is_free)) {
        (Some(user), _) if user.is_erased => (Key::User, Other::Leave),
        (_, Some(address)) if address.is_erased => (Key::Address, Other::Leave),
        (None, None) if is_free => (Key::User, Other::Replace),
        // The address comes first, so that the event of a new person has their address.
        (None, None) => (Key::Address, Other::Grant),
        (None, Some(address)) if address.has_user_id => (Key::User, Other::Leave),
        (None, Some(address)) if !trusted && address.is_vouched => (Key::Address, Other::Leave),
        (None, Some(_)) => (Key::Address, Other::Grant),
        (Some(_), None) if trusted => (Key::User, Other::Replace),
        (Some(user), None) if user.has_address || user.is_vouched => (Key::User, Other::Leave),
        (Some(_), None) => (Key::User, Other::Grant),
        (Some(user), Some(address)) if trusted && user.profile != address.profile && !address.has_user_id => {
            (Key::User, Other::Join { into: user.profile, from: address.profile })
        }
        (Some(_), Some(_)) => (Key::User, Other::Leave),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn resolved(profile: &str, has_address: bool, has_user_id: bool) -> Option<ResolvedKey<'_>> {
        Some(ResolvedKey { profile, is_ended: false, is_erased: false, has_address, has_user_id, is_vouched: false })
    }

    #[test]
    fn a_public_caller_fills_gaps_and_merges_nobody() {
        assert_eq!(decide(false, None, None), (Key::Address, Other::Grant));
        assert_eq!(decide(false, None, resolved("q", true, false)), (Key::Address, Other::Grant));
        assert_eq!(
            decide(false, None, resolved("q", true, true)),
            (Key::User, Other::Leave),
            "it is the address of another user"
        );
        assert_eq!(decide(false, resolved("p", false, true), None), (Key::User, Other::Grant));
        assert_eq!(
            decide(false, resolved("p", true, true), None),
            (Key::User, Other::Leave),
            "a public caller changes no address"
        );
        assert_eq!(decide(false, resolved("p", false, true), resolved("q", true, false)), (Key::User, Other::Leave));
    }

    #[test]
    fn a_public_caller_adds_no_key_to_a_person_with_trusted_data() {
        let vouched = |resolved: Option<ResolvedKey<'static>>| {
            resolved.map(|resolved| ResolvedKey { is_vouched: true, ..resolved })
        };
        let (user, address) = (vouched(resolved("p", false, true)), vouched(resolved("q", true, false)));
        assert_eq!(decide(false, user, None), (Key::User, Other::Leave), "the caller's address would find the person");
        assert_eq!(
            decide(false, None, address),
            (Key::Address, Other::Leave),
            "the caller's user id would find the person"
        );
        assert_eq!(decide(true, user, None), (Key::User, Other::Replace));
        assert_eq!(decide(true, None, address), (Key::Address, Other::Grant));
    }

    #[test]
    fn a_secret_key_merges_two_people_unless_both_have_user_ids() {
        assert_eq!(decide(true, resolved("p", true, true), None), (Key::User, Other::Replace));
        let join = Other::Join { into: "p", from: "q" };
        assert_eq!(decide(true, resolved("p", false, true), resolved("q", true, false)), (Key::User, join));
        assert_eq!(decide(true, resolved("p", false, true), resolved("q", true, true)), (Key::User, Other::Leave));
        assert_eq!(decide(true, resolved("p", true, true), resolved("p", true, true)), (Key::User, Other::Leave));
        let ended = resolved("q", true, true).map(|resolved| ResolvedKey { is_ended: true, ..resolved });
        assert_eq!(decide(true, resolved("p", true, true), ended), (Key::User, Other::Replace));
        assert_eq!(
            decide(true, None, ended),
            (Key::User, Other::Replace),
            "otherwise the address would still find the person who gave it up"
        );
    }

    #[test]
    fn an_alias_prefers_an_id_that_no_visitor_used_then_an_address_then_a_known_id() {
        let rank = |is_no_visitors, is_address, is_known| Rank { is_no_visitors, is_address, is_known };
        let ranks =
            [rank(false, true, true), rank(true, false, false), rank(true, false, true), rank(true, true, false)];
        assert!(ranks.is_sorted());
    }

    #[test]
    fn an_erased_person_stays_erased_whichever_key_a_request_names() {
        let erased = resolved("x", false, false).map(|resolved| ResolvedKey { is_erased: true, ..resolved });
        for trusted in [true, false] {
            assert_eq!(decide(trusted, erased, resolved("q", true, false)), (Key::User, Other::Leave));
            assert_eq!(decide(trusted, resolved("p", true, true), erased), (Key::Address, Other::Leave));
        }
    }
}
