//! A page's origin, and the patterns in a company's list that allow it. `https://*.shop.example`
//! allows every subdomain of `shop.example` at any depth, but not `shop.example` itself. The scheme
//! and the port must be those of the pattern.
//!
//! The statements that store events check the list, and they compare texts. So the origin is
//! written as all patterns that allow it.

/// Bytes of an origin from which patterns are made. A host has at most 253.
const BYTES_MAX: usize = 300;

/// An origin and the patterns that allow it, each between line ends.
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

/// The origin whose subdomains a pattern allows. `None` if the text is not a pattern.
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
    fn a_pattern_allows_subdomains_of_any_depth_and_nothing_else() {
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
    fn a_long_origin_matches_no_patterns() {
        let origin = format!("https://{}x", "a.".repeat(8000));
        assert_eq!(fitting(&origin), format!("\n{origin}\n"));
    }
}
