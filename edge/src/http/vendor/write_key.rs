//! The key that a vendor's client sends: as Basic user, `X-Write-Key`, bearer, or in the body. A
//! beacon cannot set headers, so it may name the company in the query.

use base64ct::{Base64, Encoding};
use trackmate_wire::ids::is_company_id;
use trackmate_wire::problem::{Code, Problem};
use trackmate_wire::signature::sha256_hex;

use crate::http::auth;
use crate::http::context::RequestContext;
use crate::ingest::vendor::{WriteKey, unknown_key};

/// The beginning of every key that TrackMate makes.
const SECRET_PREFIX: &str = "tm_";

/// Finds the key of a request. A text that cannot be a key is refused without a query of the
/// database, because clients repeat a request after a 401.
pub(crate) fn find(cx: &RequestContext, body: Option<String>) -> Result<WriteKey, Problem> {
    let sent = [basic(cx), cx.header("x-write-key"), auth::bearer(cx), body];
    // Some clients always send `key:secret`. TrackMate's keys have no colon.
    let keys = sent.into_iter().flatten().filter_map(|key| key.split(':').next().map(|key| key.trim().to_owned()));
    let mut keys = keys.filter(|key| !key.is_empty());
    let in_query = || cx.query("writeKey").filter(|key| is_company_id(key));
    let key = keys.next().or_else(in_query).ok_or_else(|| {
        Problem::new(
            Code::MissingKey,
            "send the write key: as Basic user, as X-Write-Key, or as writeKey or api_key in the body",
        )
    })?;
    if keys.any(|other| other != key) {
        return Err(Problem::new(Code::InvalidKey, "the request shows two different keys"));
    }
    if is_company_id(&key) {
        return Ok(WriteKey::Public(key));
    }
    if !key.starts_with(SECRET_PREFIX) {
        return Err(unknown_key());
    }
    if cx.header("origin").is_some() {
        let message = "a page shows this key, which is for servers alone: revoke it, and give the page the company id";
        return Err(Problem::new(Code::WrongScope, message));
    }
    Ok(WriteKey::Server(sha256_hex(key.as_bytes())))
}

/// The user of `Authorization: Basic`.
fn basic(cx: &RequestContext) -> Option<String> {
    let value = cx.header("authorization")?;
    let (scheme, text) = value.split_once(' ')?;
    let decoded = Base64::decode_vec(text.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = String::from_utf8(decoded).ok()?;
    Some(decoded.split_once(':').map_or(decoded.as_str(), |(user, _)| user).to_owned())
}
