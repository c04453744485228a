//! A page's origin, and the patterns of a company's list that let it in: `https://*.shop.example`
//! is every subdomain of `shop.example`, however deep, and not `shop.example` itself. Scheme and
//! port are those of the pattern.
//!
//! The list is looked at by the statements that store, which compare texts. So it is the origin
//! that is written as all patterns that it fits.

/// Bytes of an origin that patterns are made of: a host has at most 253.
const BYTES_MAX: usize = 300;

/// An origin and the patterns that it fits, each between line ends.
#[must_use]
pub fn fitting(origin: &str) -> String {
    let mut all = format!("\n{origin}\n");
    let Some((scheme, rest)) = origin.split_once("://").filter(|_| origin.len() <= BYTES_MAX) else { return all };
    let mut rest = rest;
    while let Some((_, parent)) = rest.split_once('.') {
        all.push_str(&format!("{scheme}://*.{parent}\n"));
        rest = parent;
    }
    all
}

/// The origin that a pattern lets in the subdomains of; `None` for what is no pattern.
#[must_use]
pub fn parent(pattern: &str) -> Option<String> {
    let (scheme, rest) = pattern.split_once("://*.")?;
    Some(format!("{scheme}://{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lets_in(listed: &str, origin: &str) -> bool {
        fitting(origin).contains(&format!("\n{listed}\n"))
    }

    #[test]
    fn a_pattern_lets_in_subdomains_of_any_depth_and_nothing_else() {
        let pattern = "https://*.shop.example";
        for origin in ["https://www.shop.example", "https://a.b.c.shop.example"] {
            assert!(lets_in(pattern, origin), "{origin}");
        }
        for origin in [
            "https://shop.example",
            "https://evilshop.example",
            "http://www.shop.example",
            "https://www.shop.example:8443",
            "https://www.shop.example.evil.example",
            "null",
            "",
        ] {
            assert!(!lets_in(pattern, origin), "{origin}");
        }
        assert!(lets_in("http://*.localhost:3000", "http://app.localhost:3000"));
        assert!(lets_in("https://shop.example", "https://shop.example"));
        assert!(!lets_in("https://shop", "https://shop.example"));
        assert_eq!(parent(pattern).as_deref(), Some("https://shop.example"));
        assert_eq!(parent("https://shop.example"), None);
    }

    #[test]
    fn a_long_origin_is_itself_alone() {
        let origin = format!("https://{}x", "a.".repeat(8000));
        assert_eq!(fitting(&origin), format!("\n{origin}\n"));
    }
}
