//! HTTP: turns a request into a command, and its result into an answer. [`routes`] has the routes.
//! Each audience has a folder. A handler answers one method of one path.

pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod body;
pub(crate) mod context;
pub(crate) mod idempotency;
pub(crate) mod operator;
pub(crate) mod pagination;
pub(crate) mod problem;
pub(crate) mod public;
pub(crate) mod rate_limit;
pub(crate) mod response;
pub(crate) mod route;
pub(crate) mod routes;
pub(crate) mod server;
pub(crate) mod vendor;

use std::rc::Rc;

use trackmate_wire::problem::{Code, Problem};
use worker::{Context, Env, Method, Request, Response};

use crate::delivery::dispatch;
use crate::domain::metrics;
use crate::error::Error;
use crate::http::auth::{Admin, Operator};
use crate::http::context::RequestContext;
use crate::http::route::{Handler, Path, PathParameters, Route, Success};
use crate::runtime::counters;

/// Answers a request. A failure of a handler becomes an answer too.
pub async fn handle(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let cx = RequestContext::new(request, env, Rc::new(context));
    let found = routes::find(&cx.path());
    let method = cx.method();
    if method == Some(Method::Options) {
        return response::preflight(&cx, found.map(|(path, _)| path));
    }
    let Some((path, parameters)) = found else { return response::unknown(&cx).await };
    let answered = match method.as_ref().and_then(|method| path.route(method)) {
        None => Err(not_allowed(path)),
        Some(route) => answer(&cx, route, &parameters).await,
    };
    match answered {
        Ok(Success::Stream(stream)) => Ok(stream),
        Ok(Success::Replayed(status, body)) => response::replay(&cx, status, body),
        Ok(Success::Json(json)) => response::respond(&cx, Some(path), Ok(json)),
        Err(error) => response::respond(&cx, Some(path), Err(rate_limit::count_refused(&cx, error).await)),
    }
}

/// Answers a request of a route. Then starts deliveries and writes the audit log, the log of
/// outcomes and the counters, whatever the answer is.
async fn answer(cx: &RequestContext, route: &Route, parameters: &PathParameters) -> Result<Success, Error> {
    let handled = run(cx, route, parameters).await;
    dispatch::schedule(cx);
    let handled = audit::record(cx, route, parameters, handled).await;
    cx.log().write(cx, &handled);
    if let Err(error) = &handled {
        counters::add(&metrics::PROBLEMS, &[error.code().as_str()], 1);
    }
    counters::write_later(cx.env(), &cx.worker(), cx.now_ms());
    handled
}

/// Checks the query and the key, and runs the handler.
async fn run(cx: &RequestContext, route: &Route, parameters: &PathParameters) -> Result<Success, Error> {
    check_query(cx, route)?;
    Ok(match route.handler {
        Handler::Open(handler) => Success::Json(handler(cx, parameters).await?),
        Handler::Admin(handler) => {
            let admin = Admin::of(cx).await?;
            let company = admin.company.clone();
            idempotency::once(cx, route, Some(&company), handler(cx, admin, parameters)).await?
        }
        Handler::AdminStream(handler) => Success::Stream(handler(cx, Admin::of(cx).await?, parameters).await?),
        Handler::Operator(handler) => {
            idempotency::once(cx, route, None, handler(cx, Operator::of(cx)?, parameters)).await?
        }
        Handler::OperatorStream(handler) => Success::Stream(handler(cx, Operator::of(cx)?, parameters).await?),
    })
}

/// Refuses parameters of the query that the route does not have.
fn check_query(cx: &RequestContext, route: &Route) -> Result<(), Problem> {
    route.query_parameters().map_or(Ok(()), |known| pagination::only(cx, &known))
}

fn not_allowed(path: &Path) -> Error {
    Problem::new(Code::MethodNotAllowed, format!("this path takes {}", path.allow())).into()
}
