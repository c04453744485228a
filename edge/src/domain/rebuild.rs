//! Rebuilds a person from their links in slices: the claims of all their identifies, of which the
//! first stays, and the first identify. Links may be read in any order, and more than once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use trackmate_wire::limits::{TRAITS_BYTES_MAX, TRAITS_MEMBERS_MAX};

use super::person::{members, traits};

/// Bytes of claims that are stored while a person is rebuilt: four times the limit of a person. The
/// earliest claims may not fit in the end, and later ones then take their place.
const FOUND_BYTES_MAX: usize = 4 * TRAITS_BYTES_MAX;

/// When an identify arrived (ms), its `ts`, and its message id. Claims count in this order. Of
/// identifies that arrive in the same millisecond, the first to be stored counts until the person
/// is rebuilt. So a rebuild may swap their claims.
pub type Stamp = (i64, i64, String);

/// A stored identify.
#[derive(Debug)]
pub struct Identify<'a> {
    /// Its position in the order of identifies.
    pub stamp: Stamp,
    /// Whether it named the profile itself, not a profile that was merged into it.
    pub is_own: bool,
    /// Its claims, a JSON object. `None` if only its name counts.
    pub claims: Option<&'a str>,
    /// The claimed name.
    pub name: Option<String>,
}

/// A claimed value, and the stamp of its first identify.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claim {
    #[serde(rename = "s")]
    stamp: Stamp,
    #[serde(rename = "v")]
    value: Box<RawValue>,
}

/// The state of a rebuild.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Found {
    /// Values without members, by path, which is a JSON array of names.
    claims: BTreeMap<String, Claim>,
    name: Option<(Stamp, String)>,
    first: Option<Stamp>,
    first_own: Option<Stamp>,
    /// Whether the link of the identify that created the profile still exists.
    pub creator_stands: bool,
}

/// The earlier of two.
fn earlier<T: Ord>(kept: &mut Option<T>, other: T) {
    if kept.as_ref().is_none_or(|kept| other < *kept) {
        *kept = Some(other);
    }
}

impl Found {
    /// Adds an identify. Claims that are not a JSON object count as none.
    pub fn add(&mut self, identify: Identify<'_>) {
        let stamp = identify.stamp;
        if let Some(name) = identify.name {
            earlier(&mut self.name, (stamp.clone(), name));
        }
        if let Some(claims) = identify.claims {
            self.claim(&mut Vec::new(), claims, &stamp);
            self.shorten();
        }
        if identify.is_own {
            earlier(&mut self.first_own, stamp.clone());
        }
        earlier(&mut self.first, stamp);
    }

    fn claim(&mut self, path: &mut Vec<String>, object: &str, stamp: &Stamp) {
        for (name, value) in traits(object).unwrap_or_default() {
            let text = value.get();
            if path.is_empty() && name == "email" || text == "null" {
                continue;
            }
            path.push(name);
            if text.starts_with('{') && members(text) > 0 {
                self.claim(path, text, stamp);
            } else if let Ok(key) = serde_json::to_string(path) {
                let claim = Claim { stamp: stamp.clone(), value };
                match self.claims.get_mut(&key) {
                    Some(kept) if kept.stamp <= claim.stamp => {}
                    Some(kept) => *kept = claim,
                    None => drop(self.claims.insert(key, claim)),
                }
            }
            path.pop();
        }
    }

    /// Removes the latest claims beyond the limit.
    fn shorten(&mut self) {
        let bytes = |(path, claim): (&String, &Claim)| path.len() + claim.value.get().len();
        if self.claims.iter().map(bytes).sum::<usize>() <= FOUND_BYTES_MAX {
            return;
        }
        let mut order: Vec<(Stamp, String)> =
            self.claims.iter().map(|(path, claim)| (claim.stamp.clone(), path.clone())).collect();
        order.sort();
        let mut left = FOUND_BYTES_MAX;
        for (_, path) in order {
            let size = self.claims.get(&path).map_or(0, |claim| bytes((&path, claim)));
            if size > left {
                self.claims.remove(&path);
                left = 0;
            } else {
                left -= size;
            }
        }
    }

    /// The claimed traits, a JSON object. The first claim of each value counts. If an identify's
    /// claims do not all fit, none of them counts.
    #[must_use]
    pub fn traits(&self) -> String {
        let mut identifies: BTreeMap<&Stamp, Vec<(&String, &RawValue)>> = BTreeMap::new();
        for (path, claim) in &self.claims {
            identifies.entry(&claim.stamp).or_default().push((path, &claim.value));
        }
        let mut whole = Node::default();
        for claims in identifies.into_values() {
            let mut grown = whole.clone();
            for (path, value) in claims {
                grown.put(&serde_json::from_str::<Vec<String>>(path).unwrap_or_default(), value.get());
            }
            let text = grown.text();
            if text.len() <= TRAITS_BYTES_MAX && members(&text) <= TRAITS_MEMBERS_MAX {
                whole = grown;
            }
        }
        whole.text()
    }

    /// The claimed name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_ref().map(|(_, name)| name.as_str())
    }

    /// The first identify, and the first one that named the profile itself.
    #[must_use]
    pub const fn first(&self) -> (Option<&Stamp>, Option<&Stamp>) {
        (self.first.as_ref(), self.first_own.as_ref())
    }
}

/// A value in a JSON object, or an object with its members.
#[derive(Debug, Clone)]
enum Node {
    Value(String),
    Object(BTreeMap<String, Self>),
}

impl Default for Node {
    fn default() -> Self {
        Self::Object(BTreeMap::new())
    }
}

impl Node {
    /// Sets a value at a path, unless the path or a part of it already has a value.
    fn put(&mut self, path: &[String], value: &str) {
        let (Self::Object(nodes), [name, rest @ ..]) = (self, path) else { return };
        if rest.is_empty() {
            let node = if value.starts_with('{') { Self::default() } else { Self::Value(value.to_owned()) };
            nodes.entry(name.clone()).or_insert(node);
        } else {
            nodes.entry(name.clone()).or_default().put(rest, value);
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Value(text) => text.clone(),
            Self::Object(nodes) => {
                let member = |(name, node): (&String, &Self)| {
                    format!("{}:{}", serde_json::Value::from(name.as_str()), node.text())
                };
                format!("{{{}}}", nodes.iter().map(member).collect::<Vec<_>>().join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identify(n: i64, claims: &str) -> Identify<'_> {
        Identify { stamp: (n, 0, n.to_string()), is_own: n > 1, claims: Some(claims), name: None }
    }

    #[test]
    fn the_first_claim_stays_whatever_the_order_in_which_links_are_read() {
        let sent = [
            identify(1, r#"{"email":"a@x.io","a":1,"deep":{"x":1},"plan":"free","gone":null}"#),
            identify(2, r#"{"a":2,"deep":{"x":2,"y":2},"plan":{"name":"gold"},"gone":2}"#),
            identify(3, r#"{"deep":3,"b":[3,{"c":null}],"empty":{}}"#),
        ];
        let whole = r#"{"a":1,"b":[3,{"c":null}],"deep":{"x":1,"y":2},"empty":{},"gone":2,"plan":"free"}"#;
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 1]] {
            let mut found = Found::default();
            for place in order {
                let Identify { stamp, is_own, claims, name } = &sent[place];
                found.add(Identify { stamp: stamp.clone(), is_own: *is_own, claims: *claims, name: name.clone() });
                found = serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
            }
            if order.contains(&2) {
                assert_eq!(found.traits(), whole);
            }
            assert_eq!(found.first().0.map(|s| s.0), Some(1));
            assert_eq!(found.first().1.map(|s| s.0), Some(2));
        }
    }

    #[test]
    fn an_identify_that_does_not_fit_leaves_room_for_the_next() {
        let (large, small) = (format!(r#"{{"b":"{}"}}"#, "x".repeat(20_000)), r#"{"c":3}"#);
        let first = format!(r#"{{"a":"{}"}}"#, "x".repeat(20_000));
        let mut found = Found::default();
        for (n, claims) in [(1, first.as_str()), (2, &large), (3, small)] {
            found.add(identify(n, claims));
        }
        let kept: Vec<String> = traits(&found.traits()).unwrap().into_keys().collect();
        assert_eq!(kept, ["a", "c"]);
        for n in 4..40 {
            found.add(identify(n, &format!(r#"{{"t{n}":"{}"}}"#, "x".repeat(20_000))));
        }
        assert!(
            serde_json::to_string(&found).unwrap().len() < 2 * FOUND_BYTES_MAX,
            "the state of a rebuild has a limit"
        );
    }
}
