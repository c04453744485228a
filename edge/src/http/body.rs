//! Reads the body of a request: with a limit before and after gunzip, as JSON whatever the
//! Content-Type is (beacons send text/plain), and normalised so that every JSON reader accepts it.

use std::borrow::Cow;
use std::io::Read;
use std::ops::RangeInclusive;

use base64ct::{Base64, Encoding};
use flate2::read::GzDecoder;
use futures_util::StreamExt;
use trackmate_wire::limits::BODY_BYTES_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::{json, secret};
use crate::error::Error;
use crate::http::context::RequestContext;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads the body as text: gunzipped if it is gzip, and normalised to JSON that every reader
/// accepts (`domain::json`). Shortens each company's key in it, so that no key is stored.
pub(crate) async fn text(cx: &RequestContext) -> Result<String, Error> {
    Ok(secret::keys_shortened(text_with_keys(cx).await?))
}

/// Reads the body like [`text`], for a public request. If the body cannot be read, the log of
/// outcomes looks for the company in its beginning.
pub(crate) async fn public_text(cx: &RequestContext) -> Result<String, Error> {
    let text = text(cx).await;
    if text.is_err() {
        cx.log().set_company_from_body_start();
    }
    text
}

/// Reads the body like [`text`], but leaves keys in it. For handlers that need the keys, and store
/// none in clear.
pub(crate) async fn text_with_keys(cx: &RequestContext) -> Result<String, Error> {
    let bytes = raw(cx, BODY_BYTES_MAX).await?;
    let encoding = cx.header("content-encoding").map(|e| e.to_ascii_lowercase());
    let bytes = match encoding.as_deref() {
        _ if bytes.starts_with(&GZIP_MAGIC) => gunzip(&bytes)?,
        None | Some("identity") => bytes,
        Some("gzip") => return Err(Problem::new(Code::InvalidEncoding, "the body is not gzip").into()),
        Some(_) => return Err(Problem::new(Code::InvalidEncoding, "Content-Encoding is gzip or identity").into()),
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes);
    let bytes = bytes.strip_prefix(b"data=").map(form_data).transpose()?.unwrap_or(bytes);
    let text = String::from_utf8(bytes).map_err(|_| Problem::new(Code::InvalidJson, "the body is not UTF-8"))?;
    Ok(match json::normalised(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(normalised) => normalised,
    })
}

/// Reads the operator's body of another length as text, without changing anything in it.
pub(crate) async fn long_text(cx: &RequestContext, most: usize) -> Result<String, Error> {
    let text = String::from_utf8(raw(cx, most).await?);
    Ok(text.map_err(|_| Problem::new(Code::InvalidJson, "the body is not UTF-8"))?)
}

/// Checks how many characters a text of a request has. One that must not be empty must not be blank
/// either.
pub(crate) fn check_length(text: &str, field: &'static str, range: RangeInclusive<usize>) -> Result<(), Problem> {
    let (least, most) = (*range.start(), *range.end());
    if range.contains(&text.chars().count()) && (least == 0 || !text.trim().is_empty()) {
        return Ok(());
    }
    let bounds = if least == 0 { format!("at most {most}") } else { format!("{least} to {most}") };
    Err(Problem::field(Code::InvalidField, field, format!("{field} has {bounds} characters")))
}

/// Reads the body's bytes before the handler does, which then gets the same bytes.
pub(crate) async fn ahead<T>(cx: &RequestContext, look: impl FnOnce(&[u8]) -> T) -> Result<T, Error> {
    let bytes = raw(cx, BODY_BYTES_MAX).await?;
    let seen = look(&bytes);
    cx.put_back_body(bytes);
    Ok(seen)
}

/// Reads the body's bytes. A body whose declared length is over the limit is refused after its
/// first chunk. A body without a declared length is read chunk by chunk, up to the limit.
#[allow(clippy::await_holding_refcell_ref, reason = "the request is borrowed by its one handler alone")]
async fn raw(cx: &RequestContext, most: usize) -> Result<Vec<u8>, Error> {
    if let Some(bytes) = cx.take_body() {
        return Ok(bytes);
    }
    let too_large = || Problem::new(Code::BodyTooLarge, format!("the body is over {most} bytes"));
    let declared = cx.header("content-length").and_then(|n| n.parse::<usize>().ok());
    let mut request = cx.request().borrow_mut();
    match declared {
        Some(bytes) if bytes > most => {
            if let Some(Ok(chunk)) = request.stream()?.next().await {
                cx.log().set_body_start(&chunk);
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
                if bytes.len() > most {
                    cx.log().set_body_start(&bytes);
                    return Err(too_large().into());
                }
            }
            Ok(bytes)
        }
    }
}

/// Reads the JSON in a form's field `data`, plain or in base64. A page that closes sends such a
/// form, because it cannot set headers then.
fn form_data(data: &[u8]) -> Result<Vec<u8>, Problem> {
    let data = data.split(|byte| *byte == b'&').next().unwrap_or_default();
    let (mut plain, mut rest) = (Vec::with_capacity(data.len()), data);
    while let [first, after @ ..] = rest {
        let escaped = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        plain.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    if matches!(plain.first(), Some(b'{' | b'[')) {
        return Ok(plain);
    }
    let invalid = |_| Problem::new(Code::InvalidEncoding, "the form's data is neither JSON nor base64");
    Base64::decode_vec(&String::from_utf8_lossy(&plain)).map_err(invalid)
}

/// Unpacks gzip, up to the limit of a body.
fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut plain = Vec::new();
    let limit = u64::try_from(BODY_BYTES_MAX + 1).unwrap_or(u64::MAX);
    GzDecoder::new(bytes)
        .take(limit)
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
    fn a_text_is_refused_if_it_is_too_long_or_blank_where_it_must_not_be() {
        let message = |text: &str, least| check_length(text, "name", least..=3).map_err(|problem| problem.message);
        assert_eq!(message("äöü", 1), Ok(()));
        assert_eq!(message("", 0), Ok(()));
        assert_eq!(message("four", 0), Err("name has at most 3 characters".to_owned()));
        for refused in ["", "  ", "four"] {
            assert_eq!(message(refused, 1), Err("name has 1 to 3 characters".to_owned()));
        }
    }

    #[test]
    fn the_data_of_a_form_is_read_plain_and_in_base64() {
        let json = r#"{"event":"NaN é","n":1}"#.as_bytes();
        for (form, read) in [
            ("eyJldmVudCI6Ik5hTiDDqSIsIm4iOjF9", Some(json)),
            ("eyJldmVudCI6Ik5hTiDDqSIsIm4iOjF9&compression=base64", Some(json)),
            ("%7B%22event%22:%22NaN%20%C3%A9%22%2C%22n%22%3A1%7D&ip=1", Some(json)),
            ("W10%3D", Some(&b"[]"[..])),
            ("", Some(&b""[..])),
            ("W10%3", None),
            ("%", None),
        ] {
            assert_eq!(form_data(form.as_bytes()).ok().as_deref(), read, "{form}");
        }
    }

    #[test]
    fn gzip_is_unpacked_up_to_the_limit_of_a_body_and_no_further() {
        assert_eq!(gunzip(&gzip(b"{}")).unwrap(), b"{}");
        assert_eq!(gunzip(&gzip(&vec![b' '; BODY_BYTES_MAX])).unwrap().len(), BODY_BYTES_MAX);
        let bomb = gzip(&vec![0; 50_000_000]);
        assert!(bomb.len() < BODY_BYTES_MAX);
        assert_eq!(gunzip(&bomb).unwrap_err().code, Code::BodyTooLarge);
        assert_eq!(gunzip(&gzip(b"{}")[..5]).unwrap_err().code, Code::InvalidEncoding);
    }
}
