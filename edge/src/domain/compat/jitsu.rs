//! Jitsu's clients. They send Segment's messages, one in a request, with the message's kind in the
//! path.

use trackmate_wire::problem::Problem;

use super::Sent;
use super::segment::{self, Kind};

/// Reads a message that was sent to `/api/s/{kind}`. A kind in the message overrides the path's.
///
/// # Errors
/// Those of [`segment::message`].
pub fn message<'a>(text: &'a str, kind: &str) -> Result<Sent<'a>, Problem> {
    if kind == "batch" {
        return segment::batch(text);
    }
    segment::message(text, Kind::named(kind))
}
