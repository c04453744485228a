//! Jitsu's clients: Segment's messages, one a request, with their kind in the path.

use trackmate_wire::problem::Problem;

use super::Sent;
use super::segment::{self, Kind};

/// Reads a message that was sent to `/api/s/{kind}`. What it says itself goes before the path.
///
/// # Errors
/// As [`segment::message`].
pub fn message<'a>(text: &'a str, kind: &str) -> Result<Sent<'a>, Problem> {
    if kind == "batch" {
        return segment::batch(text);
    }
    segment::message(text, Kind::named(kind))
}
