//! Reading a request's body: bounded before and after gunzip, JSON whatever the Content-Type (beacons send text/plain), made such that every reader can
//! hold it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

use base64ct::{Base64, Encoding};
use flate2::read::GzDecoder;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::limits::BODY_BYTES_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::{json, secret};
use crate::error::Error;
use crate::http::context::Call;
use crate::ingest::outcome_log;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The body as text, gunzipped if it is gzip, and as JSON that every reader can hold (`domain::json`). A company's key that stands in it is cut short: none is
/// to be stored.
pub(crate) async fn text(call: &Call) -> Result<String, Error> {
    Ok(secret::hidden(as_sent(call).await?))
}

/// [`text`] with its keys, for who needs them and stores none in clear.
pub(crate) async fn as_sent(call: &Call) -> Result<String, Error> {
    let bytes = raw(call).await?;
    let encoding = call.header("content-encoding").map(|e| e.to_ascii_lowercase());
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

/// The body's bytes. A declared length over the bound is refused unread but for its beginning; an undeclared one is read chunk by chunk up to it.
#[allow(clippy::await_holding_refcell_ref, reason = "the request is borrowed by its one handler alone")]
async fn raw(call: &Call) -> Result<Vec<u8>, Error> {
    let too_large = || Problem::new(Code::BodyTooLarge, format!("the body is over {BODY_BYTES_MAX} bytes"));
    let declared = call.header("content-length").and_then(|n| n.parse::<usize>().ok());
    let mut request = call.request().borrow_mut();
    match declared {
        Some(bytes) if bytes > BODY_BYTES_MAX => {
            if let Some(Ok(chunk)) = request.stream()?.next().await {
                outcome_log::began(call, &chunk);
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
                    outcome_log::began(call, &bytes);
                    return Err(too_large().into());
                }
            }
            Ok(bytes)
        }
    }
}

/// The JSON that stands in a form's `data`, in base64 or as it is: so a page sends that goes, for it may set no headers then.
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

/// Reads JSON text into a request type.
pub(crate) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| shape(&error))
}

fn shape(error: &serde_json::Error) -> Problem {
    let what = if error.is_data() { "the body has not the expected form" } else { "the body is not JSON" };
    Problem::new(Code::InvalidJson, format!("{what} (line {}, column {})", error.line(), error.column()))
}

/// Reads a change that an admin asks for. A field there is not, and one that cannot be read, is refused by its name: who sets something must not believe that
/// it is set.
pub(crate) fn change<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let whole = match serde_json::from_str(text) {
        Err(error) if error.is_data() => error,
        read => return read.map_or_else(|_| parse(text), Ok),
    };
    let members: BTreeMap<String, &RawValue> = parse(text)?;
    // A member alone has the fault of that member, or none but that others are missing.
    let fault = |(name, raw): &(&String, &&RawValue)| {
        let alone = serde_json::to_string(&BTreeMap::from([(name, raw)])).ok()?;
        let error = serde_json::from_str::<T>(&alone).err()?.to_string();
        (!error.starts_with("missing field")).then_some(error)
    };
    let found = members.iter().find_map(|member| Some((member.0, fault(&member)?)));
    let Some((name, error)) = found else { return Err(shape(&whole)) };
    let what =
        if error.starts_with("unknown field") { "there is no such field" } else { "this has not the expected form" };
    let message = format!("{name}: {what} ({})", error.split(" at line ").next().unwrap_or_default());
    Err(Problem { path: Some(name.clone()), ..Problem::new(Code::InvalidField, message) })
}

/// Tells `null`, which takes away what may be nothing, from a field left out, which changes nothing.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(d).map(Some)
}

/// A text field that must be there.
pub(crate) fn required(value: Option<String>, field: &'static str) -> Result<String, Problem> {
    value
        .filter(|v| !v.trim().is_empty())
        .ok_or_else(|| Problem::field(Code::MissingField, field, format!("{field} is missing")))
}

/// `sentAt`. A sender's clock that cannot be read corrects nothing; it is no reason to lose events.
pub(crate) fn sent_ms(value: Option<&Value>) -> Option<i64> {
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

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read")]
    struct Change {
        name: Option<String>,
        size: u32,
    }

    #[test]
    fn a_change_that_cannot_be_read_is_refused_by_the_name_of_its_field() {
        for (text, code, field) in [
            (r#"{"size":1,"nope":1}"#, Code::InvalidField, Some("nope")),
            (r#"{"size":"x"}"#, Code::InvalidField, Some("size")),
            (r#"{"name":5,"size":1}"#, Code::InvalidField, Some("name")),
            (r#"{"name":"x"}"#, Code::InvalidJson, None),
            ("[]", Code::InvalidJson, None),
            ("{", Code::InvalidJson, None),
        ] {
            let problem = change::<Change>(text).unwrap_err();
            assert_eq!((problem.code, problem.place()), (code, field), "{text}: {}", problem.message);
        }
        assert!(change::<Change>(r#"{"name":null,"size":1}"#).is_ok());
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
