//! A user id and an address that are named together: which of the two leads to the person, and what
//! becomes of the other.
//!
//! The user id goes before the address. A public caller fills a gap (a person without the one is
//! given it, unless a server has told of them) and never joins two people who are both known; a
//! secret key vouches, so what it names together becomes one person, unless that person has another
//! user id already.

/// Whom a lookup key leads to.
#[derive(Debug, Clone, Copy)]
pub struct ResolvedKey<'a> {
    /// The profile.
    pub profile: &'a str,
    /// Whether the person gave it up.
    pub is_ended: bool,
    /// Whether the person was erased.
    pub is_erased: bool,
    /// Whether the person has an address.
    pub has_address: bool,
    /// Whether the person has a user id.
    pub has_user_id: bool,
    /// Whether a secret key has told anything of them: who that is, is no page's to say then.
    pub is_vouched: bool,
}

/// Which key leads to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The user id.
    User,
    /// The address.
    Address,
}

/// How well an id says who somebody is. Of two that a server's alias names in either order, the one
/// of the greater rank is the person's, and the other one was used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Whether no visitor has had it.
    pub is_no_visitors: bool,
    /// Whether it is an address.
    pub is_address: bool,
    /// Whether it leads to somebody.
    pub is_known: bool,
}

/// What is to be done with the other key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other<'a> {
    /// Nothing.
    Leave,
    /// The person is given it.
    Give,
    /// It becomes the person's address in place of the one they have.
    Replace,
    /// Whom it leads to becomes one with the person.
    Join {
        /// Who stands for both.
        into: &'a str,
        /// Who is merged.
        from: &'a str,
    },
}

/// Decides. `trusted` is whether a secret key says so.
#[must_use]
pub fn decide<'a>(trusted: bool, user: Option<ResolvedKey<'a>>, address: Option<ResolvedKey<'a>>) -> (Key, Other<'a>) {
    // An address that was given up leads back until somebody else has it, and a secret key may give
    // it to them.
    let is_free = trusted && address.is_some_and(|led| led.is_ended);
    match (user, address.filter(|_| !is_free)) {
        (Some(user), _) if user.is_erased => (Key::User, Other::Leave),
        (_, Some(address)) if address.is_erased => (Key::Address, Other::Leave),
        (None, None) if is_free => (Key::User, Other::Replace),
        // The address first, so that whoever is told of a new person is told their address.
        (None, None) => (Key::Address, Other::Give),
        (None, Some(address)) if address.has_user_id => (Key::User, Other::Leave),
        (None, Some(address)) if !trusted && address.is_vouched => (Key::Address, Other::Leave),
        (None, Some(_)) => (Key::Address, Other::Give),
        (Some(_), None) if trusted => (Key::User, Other::Replace),
        (Some(user), None) if user.has_address || user.is_vouched => (Key::User, Other::Leave),
        (Some(_), None) => (Key::User, Other::Give),
        (Some(user), Some(address)) if trusted && user.profile != address.profile && !address.has_user_id => {
            (Key::User, Other::Join { into: user.profile, from: address.profile })
        }
        (Some(_), Some(_)) => (Key::User, Other::Leave),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn led(profile: &str, has_address: bool, has_user_id: bool) -> Option<ResolvedKey<'_>> {
        Some(ResolvedKey { profile, is_ended: false, is_erased: false, has_address, has_user_id, is_vouched: false })
    }

    #[test]
    fn a_public_caller_fills_gaps_and_joins_nobody() {
        assert_eq!(decide(false, None, None), (Key::Address, Other::Give));
        assert_eq!(decide(false, None, led("q", true, false)), (Key::Address, Other::Give));
        assert_eq!(decide(false, None, led("q", true, true)), (Key::User, Other::Leave), "another user's address");
        assert_eq!(decide(false, led("p", false, true), None), (Key::User, Other::Give));
        assert_eq!(decide(false, led("p", true, true), None), (Key::User, Other::Leave), "an address is not changed");
        assert_eq!(decide(false, led("p", false, true), led("q", true, false)), (Key::User, Other::Leave));
    }

    #[test]
    fn a_public_caller_gives_nothing_to_whom_a_server_has_told_of() {
        let vouched = |led: Option<ResolvedKey<'static>>| led.map(|led| ResolvedKey { is_vouched: true, ..led });
        let (user, address) = (vouched(led("p", false, true)), vouched(led("q", true, false)));
        assert_eq!(decide(false, user, None), (Key::User, Other::Leave), "its own address would get what is theirs");
        assert_eq!(decide(false, None, address), (Key::Address, Other::Leave), "another's user id would lead to them");
        assert_eq!(decide(true, user, None), (Key::User, Other::Replace));
        assert_eq!(decide(true, None, address), (Key::Address, Other::Give));
    }

    #[test]
    fn a_secret_key_vouches_but_two_user_ids_stay_two_people() {
        assert_eq!(decide(true, led("p", true, true), None), (Key::User, Other::Replace));
        let join = Other::Join { into: "p", from: "q" };
        assert_eq!(decide(true, led("p", false, true), led("q", true, false)), (Key::User, join));
        assert_eq!(decide(true, led("p", false, true), led("q", true, true)), (Key::User, Other::Leave));
        assert_eq!(decide(true, led("p", true, true), led("p", true, true)), (Key::User, Other::Leave));
        let ended = led("q", true, true).map(|led| ResolvedKey { is_ended: true, ..led });
        assert_eq!(decide(true, led("p", true, true), ended), (Key::User, Other::Replace));
        assert_eq!(decide(true, None, ended), (Key::User, Other::Replace), "it would lead to who gave it up");
    }

    #[test]
    fn of_two_ids_of_an_alias_the_one_that_is_no_visitors_is_the_persons_then_an_address_then_who_is_known() {
        let rank = |is_no_visitors, is_address, is_known| Rank { is_no_visitors, is_address, is_known };
        let ranks =
            [rank(false, true, true), rank(true, false, false), rank(true, false, true), rank(true, true, false)];
        assert!(ranks.is_sorted());
    }

    #[test]
    fn an_erased_person_stays_erased_whichever_key_is_named() {
        let erased = led("x", false, false).map(|led| ResolvedKey { is_erased: true, ..led });
        for trusted in [true, false] {
            assert_eq!(decide(trusted, erased, led("q", true, false)), (Key::User, Other::Leave));
            assert_eq!(decide(trusted, led("p", true, true), erased), (Key::Address, Other::Leave));
        }
    }
}
