//! HTTP in: bytes to a command and back. The routes are in [`routes`], one handler a method in the folder of its audience.

pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod body;
pub(crate) mod context;
pub(crate) mod operator;
pub(crate) mod pagination;
pub(crate) mod problem;
pub(crate) mod public;
pub(crate) mod rate_limit;
pub(crate) mod response;
pub(crate) mod routes;
pub(crate) mod vendor;

use std::rc::Rc;

use trackmate_wire::problem::{Code, Problem};
use worker::{Context, Env, Method, Request, Response};

use crate::error::Error;
use crate::http::context::Call;
use crate::http::routes::{Handler, Parameters, Path, Route};
use crate::ingest::outcome_log;

/// Answers a request. Never fails: what goes wrong becomes an answer.
pub async fn handle(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let call = Call::new(request, env, Rc::new(context));
    let found = routes::find(&call.path());
    let method = call.method();
    if method == Some(Method::Options) {
        return response::preflight(&call, found.map(|(path, _)| path));
    }
    let Some((path, parameters)) = found else { return response::unknown(&call).await };
    let answered = match method.as_ref().and_then(|method| path.route(method)) {
        None => Err(not_allowed(path)),
        Some(route) => answer(&call, route, &parameters).await,
    };
    match answered {
        Ok(Answer::Stream(stream)) => Ok(stream),
        Ok(Answer::Json(json)) => response::respond(&call, Some(path), Ok(json)),
        Err(error) => response::respond(&call, Some(path), Err(rate_limit::refused(&call, error).await)),
    }
}

/// What a handler has answered.
enum Answer {
    /// The text of a JSON document.
    Json(String),
    /// The answer itself, whose body follows.
    Stream(Response),
}

/// Runs a route's handler, with what holds for all: its query is known, the audit log and the log of outcomes hear of it.
async fn answer(call: &Call, route: &Route, parameters: &Parameters) -> Result<Answer, Error> {
    let handled = match (check_query(call, route), &route.handler) {
        (Err(problem), _) => Err(problem.into()),
        (Ok(()), Handler::Json(handler)) => handler(call, parameters).await.map(Answer::Json),
        (Ok(()), Handler::Stream(handler)) => handler(call, parameters).await.map(Answer::Stream),
    };
    let handled = audit::record(call, route, parameters, handled).await;
    outcome_log::note(call, &handled);
    handled
}

fn check_query(call: &Call, route: &Route) -> Result<(), Problem> {
    route.parameters().map_or(Ok(()), |known| pagination::only(call, &known))
}

fn not_allowed(path: &Path) -> Error {
    Problem::new(Code::MethodNotAllowed, format!("this path takes {}", path.allow())).into()
}
