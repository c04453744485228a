//! Where deliveries may go. Asked when a subscription is made and again before every attempt.
//!
//! The host comes from the runtime's URL parser, which already turns every notation of an IPv4
//! address into dotted decimals and a name into its ASCII form. A name that resolves to a private
//! address cannot be seen here, be it by rebinding or by a name like `10.0.0.1.nip.io` (SECURITY.md
//! says what that means).

use std::net::{Ipv4Addr, Ipv6Addr};

/// A parsed URL, as the URL standard names its parts.
#[derive(Debug, Clone)]
pub struct Parts {
    /// With the colon: `https:`.
    pub protocol: String,
    /// Lower-case; IPv6 in brackets.
    pub hostname: String,
    /// Empty for the protocol's own port.
    pub port: String,
    /// Whether the URL carries a user name or password.
    pub credentials: bool,
}

/// Names that never leave a machine or a private network.
const PRIVATE_SUFFIXES: [&str; 16] = [
    ".localhost",
    ".localdomain",
    ".local",
    ".internal",
    ".private",
    ".lan",
    ".home",
    ".home.arpa",
    ".intranet",
    ".intra",
    ".consul",
    ".docker",
    ".corp",
    ".svc",
    ".test",
    ".onion",
];
/// A name of the public internet that leads to a cloud's metadata from inside it.
const METADATA: &str = "metadata.goog";
/// Ports that receivers of webhooks use. Others reach services that speak something else.
const PORTS: [&str; 3] = ["", "443", "8443"];

/// Whether deliveries may go there. `own_host` is this deployment's own name; `loopback` is the
/// development switch, which allows plain http to this machine and nothing more.
///
/// # Errors
/// Why not, in words for the owner of the subscription.
pub fn check(parts: &Parts, own_host: Option<&str>, loopback: bool) -> Result<(), &'static str> {
    if parts.credentials {
        return Err("the URL must not carry a user name or password; use a header");
    }
    let host = parts.hostname.trim_end_matches('.');
    if loopback && parts.protocol == "http:" && ["localhost", "127.0.0.1", "[::1]"].contains(&host) {
        return Ok(());
    }
    if parts.protocol != "https:" {
        return Err("the URL must begin with https://");
    }
    if !PORTS.contains(&parts.port.as_str()) {
        return Err("the URL's port must be 443, 8443 or left out");
    }
    if host.parse::<Ipv4Addr>().is_ok() || host.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok() {
        return Err("the URL must name a host, not an address");
    }
    let private = PRIVATE_SUFFIXES.iter().any(|suffix| host.ends_with(suffix)) || host == METADATA;
    if !host.contains('.') || host.contains("..") || private {
        return Err("the URL must name a host of the public internet");
    }
    if own_host.is_some_and(|own| own.trim_end_matches('.').eq_ignore_ascii_case(host)) {
        return Err("the URL must not point back at TrackMate itself");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(protocol: &str, hostname: &str, port: &str, loopback: bool) -> bool {
        let parts =
            Parts { protocol: protocol.into(), hostname: hostname.into(), port: port.into(), credentials: false };
        check(&parts, Some("edge.example.com"), loopback).is_ok()
    }

    #[test]
    fn a_public_https_host_is_a_target() {
        assert!(ok("https:", "your-crm.com", "", false));
        assert!(ok("https:", "hooks.your-crm.com", "8443", false));
    }

    #[test]
    fn private_places_are_no_targets() {
        for host in [
            "localhost",
            "app.localhost",
            "127.0.0.1",
            "10.0.0.1",
            "169.254.169.254",
            "8.8.8.8",
            "[::1]",
            "[fe80::1]",
            "[::ffff:7f00:1]",
            "metadata.google.internal",
            "metadata.goog",
            "web.service.consul",
            "host.docker",
            "wiki.intra",
            "printer.local",
            "intranet",
            "edge.example.com",
            "edge.example.com.",
            "localhost.",
        ] {
            assert!(!ok("https:", host, "", true), "{host}");
        }
        assert!(!ok("http:", "your-crm.com", "", true));
        assert!(!ok("ftp:", "your-crm.com", "", true));
        assert!(!ok("https:", "your-crm.com", "6379", true));
        assert!(
            check(
                &Parts { protocol: "https:".into(), hostname: "a.com".into(), port: String::new(), credentials: true },
                None,
                true
            )
            .is_err()
        );
    }

    #[test]
    fn plain_http_reaches_this_machine_in_development_only() {
        assert!(ok("http:", "127.0.0.1", "9000", true));
        assert!(ok("http:", "localhost", "9000", true));
        assert!(!ok("http:", "127.0.0.1", "9000", false));
        assert!(!ok("http:", "127.0.0.2", "9000", true));
    }
}
