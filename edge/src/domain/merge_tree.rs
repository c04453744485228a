//! Merged profiles are one person. Each merge is a fact about two of them, so a group of merged
//! profiles is a tree. Its root represents the person, and an undo of a merge splits the tree at
//! that edge.

use std::collections::BTreeSet;

use super::trusted_data::TrustedData;

/// A profile of a group.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// The profile into which it was merged. `None` for the root.
    pub winner: Option<String>,
    /// Identity keys of its addresses.
    pub addresses: Vec<String>,
    /// Its trusted data.
    pub trusted_data: TrustedData,
}

/// The profile `id` and its descendants. `members` are in the order in which they were merged, the
/// root first.
#[must_use]
pub fn descendants<'a>(members: &'a [Member], id: &str) -> Vec<&'a Member> {
    let mut ids = BTreeSet::from([id]);
    // A chain of merges may end at a profile that was merged later. As many rounds as there are
    // members find all descendants.
    for _ in members {
        ids.extend(
            members
                .iter()
                .filter(|m| m.winner.as_deref().is_some_and(|w| ids.contains(w)))
                .map(|m| m.id.as_str())
                .collect::<Vec<_>>(),
        );
    }
    let (top, rest): (Vec<_>, Vec<_>) =
        members.iter().filter(|m| ids.contains(m.id.as_str())).partition(|m| m.id == id);
    top.into_iter().chain(rest).collect()
}

/// The trusted data of these profiles together. The first one overrides the others.
#[must_use]
pub fn whole(members: &[&Member]) -> TrustedData {
    TrustedData::over(members.iter().map(|m| &m.trusted_data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_descendants_of_a_profile_are_found_whatever_the_order_of_the_merges() {
        let member = |id: &str, winner: Option<&str>| Member {
            id: id.into(),
            winner: winner.map(str::to_owned),
            addresses: Vec::new(),
            trusted_data: TrustedData::default(),
        };
        // c is merged into b, then b into a, and then d into a.
        let members = [member("a", None), member("c", Some("b")), member("b", Some("a")), member("d", Some("a"))];
        let ids = |id| descendants(&members, id).iter().map(|m| m.id.as_str()).collect::<Vec<_>>();
        assert_eq!(ids("a"), ["a", "c", "b", "d"]);
        assert_eq!(ids("b"), ["b", "c"]);
        assert_eq!(ids("d"), ["d"]);
    }
}
