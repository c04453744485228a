//! Identity verification: whether a page's server vouches for who is identified. `userHash` is the lower-case hex HMAC-SHA256 of the e-mail address with the
//! company's identity secret, made where the secret is safe. The address is signed as the page sends it, or trimmed and in lower case.

use trackmate_wire::problem::{Code, Problem};
use trackmate_wire::signature::{constant_time_eq, hex_signature};

use super::call::Call;
use super::error::Error;
use super::webhooks::vault;
use crate::store::companies::{self, Verification};

/// Whom the identity secret is sealed for.
pub(super) fn owner(company: &str) -> String {
    crate::vault::owner(company, "identity")
}

/// Whether this proves one of these spellings of an address; a wrong proof is refused. Where the company checks none, nothing is proved.
pub(super) async fn check(call: &Call, company: &str, hash: &str, spellings: [&str; 2]) -> Result<bool, Error> {
    let rule = companies::verification(call.db(Some(company))?, company).await?;
    let Some((Verification::Optional | Verification::Required, Some(sealed))) = rule else { return Ok(false) };
    let secret = vault(call)?
        .open_sealed(&owner(company), &sealed)
        .map_err(|_| Error::Internal("an identity secret cannot be opened: was SECRETS_KEY changed?".into()))?;
    let hash = hash.trim().to_ascii_lowercase();
    // Both are compared whatever the first says.
    let matches = spellings.map(|text| constant_time_eq(&hex_signature(&secret, text.as_bytes()), &hash));
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
