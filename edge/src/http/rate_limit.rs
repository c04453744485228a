//! Rate limits, by counters of the runtime. A refused request costs no query of D1, because the
//! counters are beside the Worker. `wrangler.toml` sets how many requests are allowed. A request
//! with many items counts as several. If a binding is missing or a counter fails, nothing is
//! limited.
//!
//! Each data centre has its counters, and they are approximate. They prevent that one caller uses
//! up the capacity of all; they are not for billing.

use std::net::{IpAddr, Ipv6Addr};

use trackmate_wire::limits::{BATCH_EVENTS_MAX, RATE_ITEMS};
use trackmate_wire::problem::{Code, Problem};

use crate::error::Error;
use crate::http::context::RequestContext;

/// The limiter of browsers, by company and network.
const BROWSERS: &str = "RATE_PAGES";
/// The limiter of keys, by their hash.
const KEYS: &str = "RATE_KEYS";
/// The limiter of requests with an unknown key or company, by network.
const REFUSED: &str = "RATE_REFUSED";

/// Counts a browser's request with this number of items. A request that did not pass through
/// Cloudflare has no client address, and is not counted.
pub(crate) async fn count_browser(cx: &RequestContext, company: &str, items: usize) -> Result<(), Problem> {
    let Some(network) = caller(cx) else { return Ok(()) };
    for _ in 0..weight(items) {
        count(cx, BROWSERS, format!("{company} {network}")).await?;
    }
    Ok(())
}

/// Counts a request with a key.
pub(crate) async fn count_key(cx: &RequestContext, hash: &str) -> Result<(), Problem> {
    count(cx, KEYS, hash.to_owned()).await
}

/// Counts the items of a request with a key. The request itself is counted already, as one.
pub(crate) async fn count_items(cx: &RequestContext, hash: &str, items: usize) -> Result<(), Problem> {
    for _ in 1..weight(items) {
        count_key(cx, hash).await?;
    }
    Ok(())
}

/// How many requests a request with this number of items counts as.
fn weight(items: usize) -> usize {
    items.min(BATCH_EVENTS_MAX).div_ceil(RATE_ITEMS).max(1)
}

/// Counts a request that was refused because its key or company is unknown. Over the limit, the
/// answer is `rate_limited` instead. Other callers with the same address are not limited by it.
pub(crate) async fn count_refused(cx: &RequestContext, error: Error) -> Error {
    match (error.code(), caller(cx)) {
        (Code::InvalidKey | Code::UnknownCompany, Some(network)) => {
            count(cx, REFUSED, network).await.map_or_else(Error::from, |()| error)
        }
        (_, _) => error,
    }
}

/// Counts one request for this caller.
async fn count(cx: &RequestContext, binding: &str, caller: String) -> Result<(), Problem> {
    let Ok(limiter) = cx.env().rate_limiter(binding) else { return Ok(()) };
    match limiter.limit(caller).await {
        Ok(outcome) if !outcome.success => {
            Err(Problem::new(Code::RateLimited, "more requests than this caller may send; try again after Retry-After"))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The caller's network, from the client address that Cloudflare reports.
fn caller(cx: &RequestContext) -> Option<String> {
    cx.header("cf-connecting-ip").map(|address| network(&address))
}

/// An IPv4 address, or the first half of an IPv6 address. A customer can choose the other half
/// freely.
fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(v6)) => v6
            .to_ipv4_mapped()
            .map_or_else(|| Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).to_string(), |v4| v4.to_string()),
        Ok(IpAddr::V4(v4)) => v4.to_string(),
        Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_with_many_items_counts_as_several_requests() {
        for (items, requests) in [(0, 1), (1, 1), (50, 1), (51, 2), (500, 10), (100_000, 10)] {
            assert_eq!(weight(items), requests, "{items} items");
        }
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_are_one_caller() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("no address"), "no address");
    }
}
