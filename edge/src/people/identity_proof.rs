//! Identity verification: whether the customer's server confirms whom a page identifies. `userHash`
//! is the lower-case hex HMAC-SHA256 of the email address, made with the company's identity secret
//! on the customer's server. The server may sign the address as the page sends it, or trimmed and
//! in lower case. Lower case of ASCII letters alone is accepted too, because some languages convert
//! no others (PHP without mbstring).

use trackmate_wire::problem::{Code, Problem};
use trackmate_wire::signature::{constant_time_eq, hex_signature};

use crate::error::Error;
use crate::runtime::context::Context;
use crate::runtime::secrets::vault;
use crate::store::companies::{self, Verification};

/// The name for which a company's identity secret is sealed.
pub(crate) fn owner(company: &str) -> String {
    crate::runtime::secrets::owner(company, "identity")
}

/// The spellings of an address that a server may have signed: `sent` as it came, and its `key`.
fn spellings(sent: &str, key: &str) -> [String; 4] {
    let sent = sent.trim();
    [key.to_owned(), sent.to_owned(), sent.to_ascii_lowercase(), sent.to_lowercase()]
}

/// Checks the proof of an address. → Whether it is proved; `false` if the company checks no proofs.
///
/// # Errors
/// `identity_unproved` if the proof is wrong.
pub(crate) async fn check(cx: &Context, company: &str, hash: &str, sent: &str, key: &str) -> Result<bool, Error> {
    let rule = companies::verification(cx.db(company)?, company).await?;
    let Some((Verification::Optional | Verification::Required, Some(sealed))) = rule else { return Ok(false) };
    let secret = vault(cx.env())?
        .open_sealed(&owner(company), &sealed)
        .map_err(|_| Error::Internal("an identity secret cannot be opened: was SECRETS_KEY changed?".into()))?;
    let hash = hash.trim().to_ascii_lowercase();
    // All spellings are compared, so that the time taken does not tell which one matches.
    let matches = spellings(sent, key).map(|text| constant_time_eq(&hex_signature(&secret, text.as_bytes()), &hash));
    if matches.contains(&true) {
        return Ok(true);
    }
    Err(Problem::field(
        Code::IdentityUnproved,
        "userHash",
        "userHash is not the HMAC of this address with the identity secret",
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_signed_as_sent_or_in_lower_case_of_ascii_letters_or_of_all_letters() {
        for (sent, key, signed) in [
            ("Ann@Example.com", "ann@example.com", ["Ann@Example.com", "ann@example.com"]),
            ("Ünal@Example.com", "ünal@example.com", ["Ünal@example.com", "ünal@example.com"]),
            ("Ann@XN--MNCHEN-3YA.de", "ann@münchen.de", ["ann@xn--mnchen-3ya.de", "ann@münchen.de"]),
        ] {
            for one in signed {
                assert!(spellings(sent, key).iter().any(|text| text == one), "{one} of {sent}");
            }
        }
    }
}
