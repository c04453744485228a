//! What every list has: a limit, a cursor, and whether there are more items.

use base64ct::{Base64UrlUnpadded, Encoding};
use trackmate_wire::api::Pagination;
use trackmate_wire::limits::{LIST_BYTES_MAX, PAGE_ITEMS};
use trackmate_wire::problem::{Code, Problem};

use crate::http::context::RequestContext;
use crate::store::Page;

/// Where a list begins that shows the newest first: later than any clock, and the largest integer
/// that D1 binds exactly.
pub(crate) const NEWEST: i64 = (1 << 53) - 1;

/// Cuts a list to its page. The list was read with one item more than the page has ([`rows`]).
/// `cursor` makes the cursor of the next page from the last item of this one.
pub(crate) fn cut<T>(items: &mut Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Pagination {
    cut_early(items, limit, false, cursor)
}

/// Cuts a page that may have ended early. Returns its items too.
pub(crate) fn cut_page<T>(page: Page<T>, limit: usize, cursor: impl Fn(&T) -> String) -> (Vec<T>, Pagination) {
    let Page { mut items, is_early } = page;
    let pagination = cut_early(&mut items, limit, is_early, cursor);
    (items, pagination)
}

/// Cuts items that may have ended early.
pub(crate) fn cut_early<T>(
    items: &mut Vec<T>,
    limit: usize,
    is_early: bool,
    cursor: impl Fn(&T) -> String,
) -> Pagination {
    let has_more = is_early || items.len() > limit;
    items.truncate(limit);
    Pagination { limit, has_more, next_cursor: items.last().filter(|_| has_more).map(cursor) }
}

/// Checks that the query has no other parameters than these. If the name of a filter has a typing
/// error, the answer must not show everybody.
pub(crate) fn only(cx: &RequestContext, known: &[&str]) -> Result<(), Problem> {
    let is_known = |name: &str| {
        known.iter().any(|known| match *known {
            "customField[" => name.starts_with("customField[") && name.ends_with(']'),
            known => known == name,
        })
    };
    match cx.queries().into_iter().find(|(name, _)| !is_known(name)) {
        None => Ok(()),
        Some((name, _)) => {
            let known = if known.is_empty() {
                "none here".to_owned()
            } else {
                known.join(", ").replace("customField[", "customField[name]")
            };
            let message = format!("there is no parameter of this name: {name}; there is {known}");
            Err(Problem { path: Some(name), ..Problem::new(Code::InvalidField, message) })
        }
    }
}

/// `?limit=`: 1 to `most`, 50 when left out.
pub(crate) fn limit(cx: &RequestContext, most: usize) -> Result<usize, Problem> {
    let Some(text) = cx.query("limit") else { return Ok(PAGE_ITEMS) };
    let limit = text.parse().ok().filter(|n| (1..=most).contains(n));
    limit.ok_or_else(|| Problem::field(Code::InvalidField, "limit", format!("limit is a number from 1 to {most}")))
}

/// How many rows to read from the database: those of the page and one more, which shows whether
/// there is a next page.
pub(crate) fn rows(limit: usize) -> i64 {
    i64::try_from(limit + 1).unwrap_or(i64::MAX)
}

/// Ends a page early, with the item that brings it to the bytes that a list has at most. Returns
/// whether the page is whole.
pub(crate) fn within<T>(items: &mut Vec<T>, limit: usize, bytes: impl Fn(&T) -> usize) -> bool {
    let mut before = 0;
    let count = items
        .iter()
        .take_while(|item| {
            before < LIST_BYTES_MAX && {
                before += bytes(item);
                true
            }
        })
        .count();
    let is_whole = count >= items.len().min(limit);
    items.truncate(count);
    is_whole
}

/// Encodes a position in a list as a cursor, so that no client relies on its content.
pub(crate) fn write_cursor(position: &str) -> String {
    Base64UrlUnpadded::encode_string(position.as_bytes())
}

/// Decodes `?cursor=` and reads the position in it with `read`. `None` when there is no cursor.
pub(crate) fn cursor<T>(cx: &RequestContext, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
    let Some(text) = cx.filled_query("cursor") else { return Ok(None) };
    let position = Base64UrlUnpadded::decode_vec(&text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let position = position.and_then(|position| read(&position));
    let message = "cursor is the nextCursor of an earlier page";
    position.map(Some).ok_or_else(|| Problem::field(Code::InvalidCursor, "cursor", message))
}
