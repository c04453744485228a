//! Identity verification: whether a page's server vouches for who is identified. `userHash` is the
//! lower-case hex HMAC-SHA256 of the e-mail address with the company's identity secret, made where
//! the secret is safe. The address is signed as the page sends it, or trimmed and in lower case: of
//! ASCII alone, which is what languages do that know no other letters (PHP without its mbstring),
//! or of all letters.

use trackmate_wire::problem::{Code, Problem};
use trackmate_wire::signature::{constant_time_eq, hex_signature};

use crate::error::Error;
use crate::runtime::context::Context;
use crate::runtime::secrets::vault;
use crate::store::companies::{self, Verification};

/// Whom the identity secret is sealed for.
pub(crate) fn owner(company: &str) -> String {
    crate::runtime::secrets::owner(company, "identity")
}

/// What a server may have signed of an address that it knows as it was sent, and that has this key.
fn spellings(sent: &str, key: &str) -> [String; 4] {
    let sent = sent.trim();
    [key.to_owned(), sent.to_owned(), sent.to_ascii_lowercase(), sent.to_lowercase()]
}

/// Whether this proves an address, as it was sent or by its key; a wrong proof is refused. Where
/// the company checks none, nothing is proved.
pub(crate) async fn check(cx: &Context, company: &str, hash: &str, sent: &str, key: &str) -> Result<bool, Error> {
    let rule = companies::verification(cx.db(Some(company))?, company).await?;
    let Some((Verification::Optional | Verification::Required, Some(sealed))) = rule else { return Ok(false) };
    let secret = vault(cx.env())?
        .open_sealed(&owner(company), &sealed)
        .map_err(|_| Error::Internal("an identity secret cannot be opened: was SECRETS_KEY changed?".into()))?;
    let hash = hash.trim().to_ascii_lowercase();
    // All are compared whatever the first says.
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
    fn an_address_may_be_signed_as_it_was_sent_and_in_lower_case_of_ascii_or_of_all_letters() {
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
