//! The visitor's cookie: the answer sets the SDK's anonymous id. Browsers store a cookie of a
//! site's own server for over a year. Some (Safari) delete what a script stores after a week.
//! The cookie is set only if the API is on the page's own site, and only if the SDK requests it
//! with `?visitor=`. It is not a credential, and the Worker does not read it.

use crate::http::context::RequestContext;

/// Name of the cookie; the SDK reads it under this name.
const NAME: &str = "trackmate_id";
/// Its lifetime in seconds: 400 days, the maximum in browsers.
const AGE_S: u32 = 400 * 24 * 60 * 60;
/// An anonymous id has at most this many characters.
const CHARS_MAX: usize = 64;

/// The value of `Set-Cookie`, if this request gets one.
pub(crate) fn cookie(cx: &RequestContext) -> Option<String> {
    let id = cx.query("visitor").filter(|id| is_visitor(id))?;
    // The browser sets this header. A page cannot forge it.
    cx.header("sec-fetch-site").filter(|site| site == "same-origin")?;
    let secure = if cx.request().borrow().inner().url().starts_with("https:") { "; Secure" } else { "" };
    Some(format!("{NAME}={id}; Path=/; Max-Age={AGE_S}; SameSite=Lax{secure}"))
}

/// Only letters, digits and `-`: an id must not be able to end the cookie and begin another.
fn is_visitor(id: &str) -> bool {
    (1..=CHARS_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_anonymous_id_becomes_a_cookie() {
        assert!(is_visitor("1e4dqu0jexmxl1b118kn1mbpald"));
        for bad in ["", "a; Domain=x", "a=b", "a\r\nb", "é", &"x".repeat(65)] {
            assert!(!is_visitor(bad), "{bad}");
        }
    }
}
