//! What the identity items of one vendor request share.

use std::collections::HashSet;

use crate::ingest::context::IngestContext;

/// Stores the identity items of one vendor request.
pub(super) struct VendorIdentify<'a> {
    pub(super) cx: &'a IngestContext,
    pub(super) company: &'a str,
    pub(super) sent_ms: Option<i64>,
    /// The hash of the secret key; `None` for a browser.
    pub(super) secret: Option<&'a str>,
    /// The sessions of the request's anonymous events. Empty for a browser, whose aliases have no
    /// rank.
    pub(super) visitors: HashSet<String>,
}
