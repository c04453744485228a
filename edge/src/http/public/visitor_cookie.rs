//! The visitor's cookie: the SDK's anonymous id, set by the answer. Browsers keep what a site's own
//! server sets for over a year, and what a script stores for a week in some (Safari). So it is set
//! only where the API is on the page's own site, and only if the SDK asks for it with `?visitor=`.
//! It is not a credential, and nothing here reads it back.

use crate::http::context::RequestContext;

/// Name of the cookie; the SDK reads it under this name.
const NAME: &str = "trackmate_id";
/// Seconds that it lasts: 400 days, the most that browsers take.
const AGE_S: u32 = 400 * 24 * 60 * 60;
/// Characters of an anonymous id at most.
const CHARS_MAX: usize = 64;

/// The value of `Set-Cookie`, if this request may have one.
pub(crate) fn cookie(cx: &RequestContext) -> Option<String> {
    let id = cx.query("visitor").filter(|id| is_visitor(id))?;
    // The browser's own word, which a page cannot forge.
    cx.header("sec-fetch-site").filter(|site| site == "same-origin")?;
    let secure = if cx.request().borrow().inner().url().starts_with("https:") { "; Secure" } else { "" };
    Some(format!("{NAME}={id}; Path=/; Max-Age={AGE_S}; SameSite=Lax{secure}"))
}

/// Letters, digits and `-`: nothing that could end a cookie and begin another.
fn is_visitor(id: &str) -> bool {
    (1..=CHARS_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_an_id_becomes_a_cookie() {
        assert!(is_visitor("1e4dqu0jexmxl1b118kn1mbpald"));
        for bad in ["", "a; Domain=x", "a=b", "a\r\nb", "é", &"x".repeat(65)] {
            assert!(!is_visitor(bad), "{bad}");
        }
    }
}
