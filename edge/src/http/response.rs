//! What all answers have in common: headers, CORS, problems, and the answer to an unknown path.

use trackmate_wire::limits::ECHO_BYTES_MAX;
use trackmate_wire::problem::{Code, Problem};
use worker::{Headers, Method, Response};

use crate::http::context::RequestContext;
use crate::http::problem;
use crate::http::public::visitor_cookie;
use crate::http::route::{HandlerResult, Path};
use crate::runtime::isolate;

/// That whoever was here by https is to come by nothing else for a year. Browsers pass over it
/// where it comes by http, as it does on one's own machine. `www/public/_headers` says the same of
/// the pages.
const HTTPS_ONLY: &str = "max-age=31536000";

/// The answer to OPTIONS: a CORS preflight on public paths, `Allow` on the others. A path that
/// there is not lets a page ask, so that the page may read that there is none.
pub(crate) fn preflight(cx: &RequestContext, path: Option<&Path>) -> worker::Result<Response> {
    let headers = Headers::new();
    let wanted = echoed(cx, "access-control-request-method");
    let methods = path.map(Path::allow).or(wanted).unwrap_or_else(|| "OPTIONS".to_owned());
    headers.set("allow", &methods)?;
    if path.is_none_or(Path::is_public) {
        allow_origin(cx, &headers)?;
        headers.set("access-control-allow-methods", &methods)?;
        // Clients and their wrappers say more about a request than its type: how often they sent
        // it, whose it is, that a script made it.
        let asked = echoed(cx, "access-control-request-headers");
        let usual = "authorization, content-type, content-encoding, x-write-key, x-retry-count, anonymousid";
        headers.set("access-control-allow-headers", asked.as_deref().unwrap_or(usual))?;
        headers.set("access-control-max-age", "86400")?;
    }
    headers.set("x-request-id", cx.request_id())?;
    headers.set("strict-transport-security", HTTPS_ONLY)?;
    Ok(Response::empty()?.with_status(204).with_headers(headers))
}

/// Lets pages of any origin read the answer. The browser wants the origin by name where it sends
/// credentials, as a beacon of JSON does; none of ours count here.
fn allow_origin(cx: &RequestContext, headers: &Headers) -> worker::Result<()> {
    let origin = echoed(cx, "origin");
    if origin.is_some() {
        headers.set("access-control-allow-credentials", "true")?;
        headers.set("vary", "origin")?;
    }
    headers.set("access-control-allow-origin", origin.as_deref().unwrap_or("*"))
}

/// A header of the request that may stand in the answer as it is.
fn echoed(cx: &RequestContext, name: &str) -> Option<String> {
    let fits = |value: &String| value.len() <= ECHO_BYTES_MAX && value.bytes().all(|b| (b' '..=b'~').contains(&b));
    cx.header(name).filter(fits)
}

/// What every answer says.
pub(crate) fn common_headers(cx: &RequestContext) -> worker::Result<Headers> {
    let headers = Headers::new();
    headers.set("cache-control", "no-store")?;
    headers.set("x-content-type-options", "nosniff")?;
    headers.set("x-request-id", cx.request_id())?;
    headers.set("strict-transport-security", HTTPS_ONLY)?;
    Ok(headers)
}

/// The answer of a handler that has nothing to show: `{success}`.
pub(crate) fn success() -> HandlerResult {
    Ok(r#"{"success":true}"#.to_owned())
}

/// Writes a handler's result as an answer with status, headers and body.
pub(crate) fn respond(cx: &RequestContext, path: Option<&Path>, handled: HandlerResult) -> worker::Result<Response> {
    let headers = common_headers(cx)?;
    headers.set("content-type", "application/json; charset=utf-8")?;
    if path.is_none_or(Path::is_public) {
        allow_origin(cx, &headers)?;
        headers.set("access-control-expose-headers", "x-request-id, retry-after")?;
    }
    if path.is_some_and(|path| path.has_visitor_cookie)
        && let Some(cookie) = visitor_cookie::cookie(cx)
    {
        headers.set("set-cookie", &cookie)?;
    }
    if let Some(cost) = cx.shown_cost() {
        headers.set("x-d1-cost", &cost)?;
        headers.set("x-isolate", &isolate::description())?;
    }
    let (status, json) = match handled {
        Ok(json) => (200, json),
        Err(failed) => {
            failed.log(&format!("request {}", cx.request_id()));
            let problem = failed.problem();
            if let Some(seconds) = problem::retry_after_s(problem.code) {
                headers.set("retry-after", &seconds.to_string())?;
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

/// The answer to a path that is neither a file's nor a route's, by any method: a page to who reads
/// pages, and to clients the problem that every door gives. Other vendors' clients send to paths of
/// their own.
pub(crate) async fn unknown(cx: &RequestContext) -> worker::Result<Response> {
    let reads_pages = matches!(cx.method(), Some(Method::Get | Method::Head))
        && cx.header("accept").is_some_and(|types| types.contains("text/html"));
    if reads_pages && let Some(page) = page_not_found(cx).await {
        return Ok(page);
    }
    let message = "there is no such path; /docs/ has the API, and /docs/clients/others/ which clients are taken";
    respond(cx, None, Err(Problem::new(Code::NotFound, message).into()))
}

/// The page that every unknown address shows, one of the deployment's files.
async fn page_not_found(cx: &RequestContext) -> Option<Response> {
    let (protocol, host) = cx.own_origin()?;
    let page = cx.env().assets("ASSETS").ok()?.fetch(format!("{protocol}://{host}/404"), None).await.ok()?;
    (page.status_code() == 200).then(|| page.with_status(404))
}
