//! Reading a request's body: bounded before and after gunzip, JSON whatever the Content-Type
//! (beacons send text/plain), made such that every reader can hold it.

use std::borrow::Cow;
use std::io::Read;

use base64ct::{Base64, Encoding};
use flate2::read::GzDecoder;
use futures_util::StreamExt;
use trackmate_wire::limits::BODY_BYTES_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::{json, secret};
use crate::error::Error;
use crate::http::context::RequestContext;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The body as text, gunzipped if it is gzip, and as JSON that every reader can hold
/// (`domain::json`). A company's key that stands in it is cut short: none is to be stored.
pub(crate) async fn text(cx: &RequestContext) -> Result<String, Error> {
    Ok(secret::hidden(as_sent(cx).await?))
}

/// [`text`] of a public request. If it cannot be read, its beginning may say which company it is
/// for.
pub(crate) async fn public_text(cx: &RequestContext) -> Result<String, Error> {
    let text = text(cx).await;
    if text.is_err() {
        cx.log().set_company_from_body_start();
    }
    text
}

/// [`text`] with its keys, for who needs them and stores none in clear.
pub(crate) async fn as_sent(cx: &RequestContext) -> Result<String, Error> {
    let bytes = raw(cx).await?;
    let encoding = cx.header("content-encoding").map(|e| e.to_ascii_lowercase());
    let bytes = match encoding.as_deref() {
        _ if bytes.starts_with(&GZIP_MAGIC) => gunzip(&bytes)?,
        None | Some("identity") => bytes,
        Some("gzip") => return Err(Problem::new(Code::InvalidEncoding, "the body is not gzip").into()),
        Some(_) => return Err(Problem::new(Code::InvalidEncoding, "Content-Encoding is gzip or identity").into()),
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes);
    let bytes = bytes.strip_prefix(b"data=").map(of_form).transpose()?.unwrap_or(bytes);
    let text = String::from_utf8(bytes).map_err(|_| Problem::new(Code::InvalidJson, "the body is not UTF-8"))?;
    Ok(match json::read(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(mended) => mended,
    })
}

/// The body's bytes. A declared length over the bound is refused unread but for its beginning; an
/// undeclared one is read chunk by chunk up to it.
#[allow(clippy::await_holding_refcell_ref, reason = "the request is borrowed by its one handler alone")]
async fn raw(cx: &RequestContext) -> Result<Vec<u8>, Error> {
    let too_large = || Problem::new(Code::BodyTooLarge, format!("the body is over {BODY_BYTES_MAX} bytes"));
    let declared = cx.header("content-length").and_then(|n| n.parse::<usize>().ok());
    let mut request = cx.request().borrow_mut();
    match declared {
        Some(bytes) if bytes > BODY_BYTES_MAX => {
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
                if bytes.len() > BODY_BYTES_MAX {
                    cx.log().set_body_start(&bytes);
                    return Err(too_large().into());
                }
            }
            Ok(bytes)
        }
    }
}

/// The JSON that stands in a form's `data`, in base64 or as it is: so a page sends that goes, for
/// it may set no headers then.
fn of_form(data: &[u8]) -> Result<Vec<u8>, Problem> {
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
    let told = |_| Problem::new(Code::InvalidEncoding, "the form's data is neither JSON nor base64");
    Base64::decode_vec(&String::from_utf8_lossy(&plain)).map_err(told)
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
    fn the_data_of_a_form_are_read_plain_and_in_base64() {
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
            assert_eq!(of_form(form.as_bytes()).ok().as_deref(), read, "{form}");
        }
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
