//! Reading a request's body: bounded before and after gunzip, JSON whatever the Content-Type (beacons send text/plain).

use std::io::Read;

use flate2::read::GzDecoder;
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::Value;
use trackmate_wire::limits::BODY_BYTES_MAX;
use trackmate_wire::problem::{Code, Problem};

use super::call::Call;
use super::error::Error;
use super::incoming;
use crate::domain::secret;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The body as text, gunzipped if it is gzip. A company's key that stands in it is cut short: none is to be stored.
pub(super) async fn text(call: &Call) -> Result<String, Error> {
    Ok(secret::hidden(as_sent(call).await?))
}

/// [`text`] with its keys, for who needs them and stores none in clear.
pub(super) async fn as_sent(call: &Call) -> Result<String, Error> {
    let bytes = raw(call).await?;
    let encoding = call.header("content-encoding").map(|e| e.to_ascii_lowercase());
    let bytes = match encoding.as_deref() {
        _ if bytes.starts_with(&GZIP_MAGIC) => gunzip(&bytes)?,
        None | Some("identity") => bytes,
        Some("gzip") => return Err(Problem::new(Code::InvalidEncoding, "the body is not gzip").into()),
        Some(_) => return Err(Problem::new(Code::InvalidEncoding, "Content-Encoding is gzip or identity").into()),
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes);
    String::from_utf8(bytes).map_err(|_| Problem::new(Code::InvalidJson, "the body is not UTF-8").into())
}

/// The body's bytes. A declared length over the bound is refused unread but for its beginning; an undeclared one is read chunk by chunk up to it.
#[allow(clippy::await_holding_refcell_ref, reason = "the request is borrowed by its one handler alone")]
async fn raw(call: &Call) -> Result<Vec<u8>, Error> {
    let too_large = || Problem::new(Code::BodyTooLarge, format!("the body is over {BODY_BYTES_MAX} bytes"));
    let declared = call.header("content-length").and_then(|n| n.parse::<usize>().ok());
    let mut request = call.request().borrow_mut();
    match declared {
        Some(bytes) if bytes > BODY_BYTES_MAX => {
            if let Some(Ok(chunk)) = request.stream()?.next().await {
                incoming::began(call, &chunk);
            }
            Err(too_large().into())
        }
        Some(_) => Ok(request.bytes().await?),
        None if request.inner().body().is_none() => Ok(Vec::new()),
        None => {
            let mut bytes = Vec::new();
            let mut stream = request.stream()?;
            while let Some(chunk) = stream.next().await {
                bytes.extend(chunk?);
                if bytes.len() > BODY_BYTES_MAX {
                    incoming::began(call, &bytes);
                    return Err(too_large().into());
                }
            }
            Ok(bytes)
        }
    }
}

fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut plain = Vec::new();
    let bound = u64::try_from(BODY_BYTES_MAX + 1).unwrap_or(u64::MAX);
    GzDecoder::new(bytes)
        .take(bound)
        .read_to_end(&mut plain)
        .map_err(|_| Problem::new(Code::InvalidEncoding, "the gzip data are broken"))?;
    if plain.len() > BODY_BYTES_MAX {
        return Err(Problem::new(
            Code::BodyTooLarge,
            format!("the body is over {BODY_BYTES_MAX} bytes once gunzipped"),
        ));
    }
    Ok(plain)
}

/// Reads JSON text into a request type.
pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| {
        let what = if error.is_data() { "the body has not the expected form" } else { "the body is not JSON" };
        Problem::new(Code::InvalidJson, format!("{what} (line {}, column {})", error.line(), error.column()))
    })
}

/// A text field that must be there.
pub(super) fn required(value: Option<String>, field: &'static str) -> Result<String, Problem> {
    value
        .filter(|v| !v.trim().is_empty())
        .ok_or_else(|| Problem::field(Code::MissingField, field, format!("{field} is missing")))
}

/// `sentAt`. A sender's clock that cannot be read corrects nothing; it is no reason to lose events.
pub(super) fn sent_ms(value: Option<&Value>) -> Option<i64> {
    value.and_then(crate::domain::clock::parse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_is_read_up_to_the_bound_and_a_bomb_stops_there() {
        assert_eq!(gunzip(&gzip(b"{}")).unwrap(), b"{}");
        assert_eq!(gunzip(&gzip(&vec![b' '; BODY_BYTES_MAX])).unwrap().len(), BODY_BYTES_MAX);
        let bomb = gzip(&vec![0; 50_000_000]);
        assert!(bomb.len() < BODY_BYTES_MAX);
        assert_eq!(gunzip(&bomb).unwrap_err().code, Code::BodyTooLarge);
        assert_eq!(gunzip(&gzip(b"{}")[..5]).unwrap_err().code, Code::InvalidEncoding);
    }
}
