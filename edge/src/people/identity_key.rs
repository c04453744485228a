//! Identity keys, by which a person is found: an email address or a user id. The runtime normalises
//! to NFC; the other rules are shared with the SDK.

use trackmate_wire::ids::{EmailError, email_key, user_key};
use trackmate_wire::problem::{Code, Problem};

/// Normalises to NFC.
fn nfc(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { String::from(js_sys::JsString::from(text).normalize("NFC")) }
}

/// The identity key of a user id.
///
/// # Errors
/// `invalid_field`.
pub(crate) fn user(id: &str) -> Result<String, Problem> {
    user_key(&nfc(id)).map_err(|_| {
        Problem::field(
            Code::InvalidField,
            "userId",
            "userId has 1 to 254 bytes, none of them control characters, and is no placeholder",
        )
    })
}

/// [`user`] for routes where the field is called `externalId`.
pub(crate) fn external(id: &str) -> Result<String, Problem> {
    user(id).map_err(|p| {
        let message = p.message.replace("userId", "externalId");
        Problem { field: Some("externalId"), message, ..p }
    })
}

/// The identity key of an email address.
///
/// # Errors
/// `placeholder_id`, `invalid_email`.
pub(crate) fn address(email: &str) -> Result<String, Problem> {
    email_key(&nfc(email)).map_err(|error| match error {
        EmailError::Placeholder => {
            Problem::field(Code::PlaceholderId, "email", "email is a placeholder, not an address")
        }
        EmailError::Form => Problem::field(Code::InvalidEmail, "email", "email is not an address of at most 254 bytes"),
    })
}

/// The identity key of a stored address; `None` if it is no address by the rules of today.
pub(crate) fn lookup_key(email: &str) -> Option<String> {
    address(email).ok()
}
