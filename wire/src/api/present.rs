//! Fields of a change that null clears.

use serde::{Deserialize, Deserializer};

/// Distinguishes `null`, which clears a field, from a left-out field, which changes nothing.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(d).map(Some)
}
