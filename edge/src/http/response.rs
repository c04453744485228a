//! What all answers have in common: headers, CORS, problems, and the answer to an unknown path.

use serde::Serialize;
use trackmate_wire::limits::{ECHO_BYTES_MAX, RATE_PERIOD_S};
use trackmate_wire::problem::{Code, Problem};
use worker::{Headers, Method, Response};

use crate::http::context::RequestContext;
use crate::http::problem;
use crate::http::public::visitor_cookie;
use crate::http::route::{HandlerResult, Path};
use crate::runtime::isolate;

/// Makes browsers use https only, for a year. Browsers ignore it in an answer over http, as on a
/// developer's machine. `www/public/_headers` sets the same for the pages.
const HTTPS_ONLY: &str = "max-age=31536000";

/// Answers OPTIONS: with CORS headers on public paths, and with `Allow` on the others. An unknown
/// path allows CORS too, so that the page can read the 404.
pub(crate) fn preflight(cx: &RequestContext, path: Option<&Path>) -> worker::Result<Response> {
    let headers = Headers::new();
    let requested = echoed(cx, "access-control-request-method");
    let methods = path.map(Path::allow).or(requested).unwrap_or_else(|| "OPTIONS".to_owned());
    headers.set("allow", &methods)?;
    if path.is_none_or(Path::is_public) {
        allow_origin(cx, &headers)?;
        headers.set("access-control-allow-methods", &methods)?;
        // Vendors' clients set headers of their own: the number of the retry, the anonymous id, the
        // name of the library.
        let requested = echoed(cx, "access-control-request-headers");
        let usual = "authorization, content-type, content-encoding, x-write-key, x-retry-count, anonymousid";
        headers.set("access-control-allow-headers", requested.as_deref().unwrap_or(usual))?;
        headers.set("access-control-max-age", "86400")?;
    }
    identify(cx, &headers)?;
    Ok(Response::empty()?.with_status(204).with_headers(headers))
}

/// Lets pages of any origin read the answer. A browser that sends credentials, as with a beacon of
/// JSON, accepts only its own origin and not `*`. The API reads no cookies.
fn allow_origin(cx: &RequestContext, headers: &Headers) -> worker::Result<()> {
    let origin = echoed(cx, "origin");
    if origin.is_some() {
        headers.set("access-control-allow-credentials", "true")?;
        headers.set("vary", "origin")?;
    }
    headers.set("access-control-allow-origin", origin.as_deref().unwrap_or("*"))
}

/// A header of the request, if it is safe to repeat in the answer.
fn echoed(cx: &RequestContext, name: &str) -> Option<String> {
    let fits = |value: &String| value.len() <= ECHO_BYTES_MAX && value.bytes().all(|b| (b' '..=b'~').contains(&b));
    cx.header(name).filter(fits)
}

/// The version of the Worker.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The media type of a success.
const JSON: &str = "application/json; charset=utf-8";

/// The headers of every answer.
pub(crate) fn common_headers(cx: &RequestContext) -> worker::Result<Headers> {
    let headers = Headers::new();
    headers.set("cache-control", "no-store")?;
    headers.set("x-content-type-options", "nosniff")?;
    identify(cx, &headers)?;
    Ok(headers)
}

/// Names the request and the version that answered it.
fn identify(cx: &RequestContext, headers: &Headers) -> worker::Result<()> {
    headers.set("x-request-id", cx.request_id())?;
    headers.set("x-trackmate-version", VERSION)?;
    headers.set("strict-transport-security", HTTPS_ONLY)
}

/// The answer of a handler that has nothing to show: `{success}`.
pub(crate) fn success() -> HandlerResult {
    Ok(r#"{"success":true}"#.to_owned())
}

/// The answer of a handler: `success`, and the members of `answer`, a struct with at least one.
pub(crate) fn answer(answer: &impl Serialize) -> HandlerResult {
    add_success(serde_json::to_string(answer))
}

/// One function for all types of answers, since each copy would make the Worker larger.
#[inline(never)]
fn add_success(json: serde_json::Result<String>) -> HandlerResult {
    let mut json = json?;
    json.insert_str(1, r#""success":true,"#);
    Ok(json)
}

/// Writes a handler's result as an answer with status, headers and body.
pub(crate) fn respond(cx: &RequestContext, path: Option<&Path>, handled: HandlerResult) -> worker::Result<Response> {
    let headers = common_headers(cx)?;
    if path.is_none_or(Path::is_public) {
        allow_origin(cx, &headers)?;
        headers.set("access-control-expose-headers", "x-request-id, retry-after, ratelimit")?;
    }
    if path.is_some_and(|path| path.has_visitor_cookie)
        && let Some(cookie) = visitor_cookie::cookie(cx)
    {
        headers.set("set-cookie", &cookie)?;
    }
    show_cost(cx, &headers)?;
    let (status, json) = match handled {
        Ok(json) => {
            headers.set("content-type", JSON)?;
            (200, json)
        }
        Err(failed) => {
            failed.log(&format!("request {}", cx.request_id()));
            let problem = failed.problem();
            headers.set("content-type", problem::media_type(path.is_some_and(Path::is_vendors)))?;
            if let Some(seconds) = problem::retry_after_s(problem.code) {
                headers.set("retry-after", &seconds.to_string())?;
            }
            if problem.code == Code::RateLimited {
                // The runtime does not say how many requests remain before the limit is reached.
                headers.set("ratelimit", &format!(r#""default";r=0;t={RATE_PERIOD_S}"#))?;
            }
            if let (Code::MethodNotAllowed, Some(path)) = (problem.code, path) {
                headers.set("allow", &path.allow())?;
            }
            (problem::status(problem.code), problem::json(&problem, cx.request_id()))
        }
    };
    let body = if cx.method() == Some(Method::Head) { Vec::new() } else { json.into_bytes() };
    Ok(worker::ResponseBuilder::new().with_status(status).with_headers(headers).fixed(body))
}

/// Repeats the answer that an earlier request with the same `Idempotency-Key` got.
pub(crate) fn replay(cx: &RequestContext, status: u16, body: String) -> worker::Result<Response> {
    let headers = common_headers(cx)?;
    show_cost(cx, &headers)?;
    headers.set("content-type", if status == 200 { JSON } else { problem::media_type(false) })?;
    headers.set("idempotency-replayed", "true")?;
    Ok(worker::ResponseBuilder::new().with_status(status).with_headers(headers).fixed(body.into_bytes()))
}

/// Shows what the request cost, if the deployment shows it.
fn show_cost(cx: &RequestContext, headers: &Headers) -> worker::Result<()> {
    let Some(cost) = cx.shown_cost() else { return Ok(()) };
    headers.set("x-d1-cost", &cost)?;
    headers.set("x-isolate", &isolate::description())
}

/// Answers a path that is neither a file nor a route, for any method: with a page for browsers, and
/// with a problem for clients. Clients of other vendors use paths that TrackMate does not have.
pub(crate) async fn unknown(cx: &RequestContext) -> worker::Result<Response> {
    let reads_pages = matches!(cx.method(), Some(Method::Get | Method::Head))
        && cx.header("accept").is_some_and(|types| types.contains("text/html"));
    if reads_pages && let Some(page) = page_not_found(cx).await {
        return Ok(page);
    }
    let message = "there is no such path; /docs/ has the API, and /docs/clients/others/ which clients are taken";
    respond(cx, None, Err(Problem::new(Code::NotFound, message).into()))
}

/// The page for an unknown path. It is one of the deployment's files.
async fn page_not_found(cx: &RequestContext) -> Option<Response> {
    let (protocol, host) = cx.request_origin()?;
    let page = cx.env().assets("ASSETS").ok()?.fetch(format!("{protocol}://{host}/404"), None).await.ok()?;
    (page.status_code() == 200).then(|| page.with_status(404))
}
