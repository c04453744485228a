//! Checks the URLs of deliveries, when a subscription is created and again before every attempt.
//!
//! The host comes from the runtime's URL parser, which already turns every notation of an IPv4
//! address into dotted decimals and a name into its ASCII form. This check cannot see a name that
//! resolves to a private address, by rebinding or by a name such as `10.0.0.1.nip.io`. SECURITY.md
//! explains the consequences.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A parsed URL, in the terms of the URL standard.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The scheme with its colon: `https:`.
    pub protocol: String,
    /// The host in lower case. IPv6 addresses are in brackets.
    pub hostname: String,
    /// The port. Empty for the default port of the protocol.
    pub port: String,
    /// Whether the URL contains a user name or password.
    pub credentials: bool,
}

/// Suffixes of names that exist only on one machine or in a private network.
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
/// A public name by which machines in a cloud reach its metadata.
const METADATA: &str = "metadata.goog";
/// Ports that receivers of webhooks use. Other ports reach services with other protocols.
const PORTS: [&str; 3] = ["", "443", "8443"];

/// Checks that deliveries may go to this URL. `own_host` is the name of this deployment. `loopback`
/// is the development switch, which allows plain http to this machine only.
///
/// # Errors
/// The reason, for the owner of the subscription.
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
    fn deliveries_may_go_to_a_public_https_host() {
        assert!(ok("https:", "your-crm.com", "", false));
        assert!(ok("https:", "hooks.your-crm.com", "8443", false));
    }

    #[test]
    fn deliveries_may_not_go_to_private_hosts() {
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
    fn plain_http_to_this_machine_is_allowed_in_development_only() {
        assert!(ok("http:", "127.0.0.1", "9000", true));
        assert!(ok("http:", "localhost", "9000", true));
        assert!(!ok("http:", "127.0.0.1", "9000", false));
        assert!(!ok("http:", "127.0.0.2", "9000", true));
    }
}
