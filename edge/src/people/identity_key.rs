//! Keys by which a person is found: an email address, or a company's own id for them. NFC by the
//! runtime, the rest by the rule that all parts share.

use trackmate_wire::ids::{EmailError, email_key, user_key};
use trackmate_wire::problem::{Code, Problem};

/// NFC, by the runtime.
fn nfc(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { String::from(js_sys::JsString::from(text).normalize("NFC")) }
}

/// The lookup key of a company's own id for a person.
pub(crate) fn user(id: &str) -> Result<String, Problem> {
    user_key(&nfc(id)).map_err(|_| {
        Problem::field(
            Code::InvalidField,
            "userId",
            "userId has 1 to 254 bytes, none of them control characters, and is no placeholder",
        )
    })
}

/// [`user`], where it is called `externalId`.
pub(crate) fn external(id: &str) -> Result<String, Problem> {
    user(id).map_err(|p| {
        let message = p.message.replace("userId", "externalId");
        Problem { field: Some("externalId"), message, ..p }
    })
}

/// The lookup key of an address: NFC by the runtime, the rest by the shared rule.
pub(crate) fn address(email: &str) -> Result<String, Problem> {
    email_key(&nfc(email)).map_err(|error| match error {
        EmailError::Placeholder => {
            Problem::field(Code::PlaceholderId, "email", "email is a placeholder, not an address")
        }
        EmailError::Form => Problem::field(Code::InvalidEmail, "email", "email is not an address of at most 254 bytes"),
    })
}

/// The lookup key of a stored address.
pub(crate) fn lookup_key(email: &str) -> Option<String> {
    address(email).ok()
}
