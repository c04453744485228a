//! `trackmate verify` and `trackmate sign`: verifies and creates both signatures of a delivery
//! (`wire/src/signature.rs`).

use std::fs;
use std::io::{self, IsTerminal, Read};

use clap::Args;
use serde_json::{Map, Value, json};
use trackmate_wire::signature::{constant_time_eq, hex_signature, standard_signature};

use crate::error::Error;
use crate::output::Output;

/// Maximum difference in seconds between a delivery's timestamp and the receiver's clock, as in the
/// Standard Webhooks libraries.
const TOLERANCE_S: u64 = 5 * 60;

#[derive(Args)]
pub(crate) struct VerifyOptions {
    #[command(flatten)]
    signed: Signed,
    /// The value of X-Webhook-Signature, or of webhook-signature with its v1,…
    #[arg(long, value_name = "SIG")]
    signature: String,
    /// The webhook-id header, for a v1 signature.
    #[arg(long)]
    id: Option<String>,
    /// The webhook-timestamp header, for a v1 signature.
    #[arg(long, value_name = "UNIX-S")]
    timestamp: Option<i64>,
}

#[derive(Args)]
pub(crate) struct SignOptions {
    #[command(flatten)]
    signed: Signed,
    /// The webhook-id. With it, the Standard Webhooks headers are created too.
    #[arg(long)]
    id: Option<String>,
    /// The webhook-timestamp. Default: now.
    #[arg(long, value_name = "UNIX-S", requires = "id")]
    timestamp: Option<i64>,
}

#[derive(Args)]
struct Signed {
    /// The complete secret of the webhook.
    #[arg(long, env = "TRACKMATE_WEBHOOK_SECRET", hide_env_values = true)]
    secret: String,
    /// The file with the exact bytes of the body. - reads standard input.
    #[arg(long, value_name = "FILE", default_value = "-")]
    body: String,
}

impl Signed {
    fn read_body(&self) -> Result<Vec<u8>, Error> {
        if self.body != "-" {
            return fs::read(&self.body)
                .map_err(|error| Error::Usage(format!("could not read {}: {error}", self.body)));
        }
        if io::stdin().is_terminal() {
            eprintln!("reading the body from standard input …");
        }
        let mut body = Vec::new();
        let read = io::stdin().read_to_end(&mut body);
        read.map_err(|error| Error::Usage(format!("could not read standard input: {error}")))?;
        Ok(body)
    }
}

/// Whether the hex signature is valid.
pub(crate) fn is_valid_hex(secret: &str, signature: &str, body: &[u8]) -> bool {
    constant_time_eq(&hex_signature(secret, body), signature)
}

/// Whether one of the space-separated signatures of `webhook-signature` is valid. There are several
/// during a secret rotation.
pub(crate) fn is_valid_standard(secret: &str, signatures: &str, id: &str, timestamp_s: i64, body: &[u8]) -> bool {
    let expected = standard_signature(secret, id, timestamp_s, body);
    signatures.split(' ').any(|signature| constant_time_eq(&expected, signature))
}

/// Whether a receiver would reject the timestamp as a possible replay.
pub(crate) fn is_stale(timestamp_s: i64, now_s: i64) -> bool {
    now_s.abs_diff(timestamp_s) > TOLERANCE_S
}

pub(crate) fn verify(options: &VerifyOptions, output: Output) -> Result<(), Error> {
    let secret = &options.signed.secret;
    let signature = options.signature.trim();
    let standard = match (signature.contains("v1,"), &options.id, options.timestamp) {
        (false, _, _) => None,
        (true, Some(id), Some(timestamp_s)) => Some((id.as_str(), timestamp_s)),
        (true, _, _) => {
            return Err(Error::Usage(
                "a v1 signature also covers webhook-id and webhook-timestamp: pass --id and --timestamp".into(),
            ));
        }
    };
    let is_valid = |body: &[u8]| match standard {
        Some((id, timestamp_s)) => is_valid_standard(secret, signature, id, timestamp_s, body),
        None => is_valid_hex(secret, signature, body),
    };
    let body = options.signed.read_body()?;
    let valid = is_valid(&body);
    let scheme = if standard.is_some() { "webhook-signature" } else { "X-Webhook-Signature" };
    let text = format!("{scheme}: {}", if valid { "valid ✓" } else { "not valid ✗" });
    output.either(&json!({"valid": valid, "scheme": scheme}), &text)?;
    if !valid {
        return Err(Error::Failed(reason(&body, is_valid)));
    }
    if standard.is_some_and(|(_, timestamp_s)| is_stale(timestamp_s, chrono::Utc::now().timestamp())) {
        output.note(&format!(
            "the timestamp is more than {TOLERANCE_S} s from now: a receiver would reject it as too old"
        ));
    }
    Ok(())
}

/// Why the signature is not valid. The most common reason is a line break that an editor or shell
/// added to the body.
fn reason(body: &[u8], is_valid: impl Fn(&[u8]) -> bool) -> String {
    let without = body.strip_suffix(b"\r\n").or_else(|| body.strip_suffix(b"\n"));
    if without.is_some_and(is_valid) {
        return "the body ends with a line break that was not signed; without it the signature is valid".into();
    }
    "this secret did not sign these bytes; compare the raw body, before any parsing, and the complete secret".into()
}

pub(crate) fn sign(options: SignOptions, output: Output) -> Result<(), Error> {
    let Signed { secret, .. } = &options.signed;
    let body = options.signed.read_body()?;
    let mut headers = vec![("X-Webhook-Signature", hex_signature(secret, &body))];
    if let Some(id) = options.id {
        let timestamp_s = options.timestamp.unwrap_or_else(|| chrono::Utc::now().timestamp());
        let signature = standard_signature(secret, &id, timestamp_s, &body);
        headers.extend([
            ("webhook-id", id),
            ("webhook-timestamp", timestamp_s.to_string()),
            ("webhook-signature", signature),
        ]);
    }
    let text = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n");
    let object: Map<String, Value> = headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    output.either(&object.into(), &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    #[test]
    fn either_signature_of_a_rotation_is_enough() {
        let both = format!("{} {}", standard_signature(OLD, "m", 1, b"{}"), standard_signature(NEW, "m", 1, b"{}"));
        assert!(is_valid_standard(OLD, &both, "m", 1, b"{}"));
        assert!(is_valid_standard(NEW, &both, "m", 1, b"{}"));
        assert!(!is_valid_standard("whsec_other", &both, "m", 1, b"{}"));
        for (id, timestamp_s, body) in [("n", 1, &b"{}"[..]), ("m", 2, b"{}"), ("m", 1, b"{ }")] {
            assert!(!is_valid_standard(OLD, &both, id, timestamp_s, body));
        }
    }

    #[test]
    fn a_delivery_is_stale_after_five_minutes_on_either_side() {
        assert_eq!([699, 700, 1300, 1301].map(|timestamp_s| is_stale(timestamp_s, 1000)), [true, false, false, true]);
        assert!(is_stale(i64::MIN, i64::MAX));
    }

    #[test]
    fn an_added_line_break_and_a_wrong_secret_have_different_messages() {
        let signature = hex_signature(OLD, b"{}");
        let message = |body: &[u8]| reason(body, |body| is_valid_hex(OLD, &signature, body));
        assert!(message(b"{}\n").contains("line break"));
        assert!(message(b"{}\r\n").contains("line break"));
        assert!(message(b"{ }\n").contains("did not sign"));
    }
}
