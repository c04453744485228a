//! `Idempotency-Key`: runs a request once, and gives each repeat the first answer again.
//! docs/api.md says what callers can rely on.
//!
//! 1. The request claims its key: a row with hashes of the key and of the request. If the row is
//!    there already, the answer comes from it.
//! 2. The handler runs. One that creates something stores its answer in the batch that creates it:
//!    [`with_effect`].
//! 3. Otherwise the answer is stored after the handler. If the Worker dies in between, the request
//!    runs again once its claim is over.

use std::borrow::Cow;

use trackmate_wire::hex::hex;
use trackmate_wire::limits::{IDEMPOTENCY_ANSWER_BYTES_MAX, IDEMPOTENCY_KEY_CHARS_MAX, IDEMPOTENCY_KEYS_MAX};
use trackmate_wire::problem::{Code, Problem};

use crate::domain::idempotency::{Hashes, key};
use crate::error::Error;
use crate::http::context::RequestContext;
use crate::http::route::{HandlerFuture, HandlerResult, Route, Success};
use crate::http::{body, problem};
use crate::runtime::{random, secrets};
use crate::store::idempotency::{Claim, Found, claim, releasing, remembering};
use crate::store::{Db, Statement, cells};

const HEADER: &str = "Idempotency-Key";

/// Runs a handler, unless a request with the same key did so already. Without a key it only runs
/// the handler. `company` is the company of the admin; `None` is the operator.
pub(crate) async fn once(
    cx: &RequestContext,
    route: &Route,
    company: Option<&str>,
    handler: HandlerFuture<'_, String>,
) -> Result<Success, Error> {
    let Some(key) = sent_key(cx, route)? else { return Ok(Success::Json(handler.await?)) };
    let (db, company) = match company {
        Some(company) => (cx.db(company)?, company),
        None => (cx.directory()?, ""),
    };
    if let Some(first) = first_answer(cx, db, company, &key).await.transpose() {
        // This request does nothing, so the audit log has no entry.
        drop(cx.take_audit_trace());
        return first;
    }
    let handled = handler.await;
    if let Err(error) = remember(cx, db, &handled).await {
        error.log(&format!("storing the answer to request {}", cx.request_id()));
    }
    Ok(Success::Json(handled?))
}

/// The request's key, if its route takes one.
fn sent_key(cx: &RequestContext, route: &Route) -> Result<Option<String>, Problem> {
    let header = if route.takes_idempotency_key() { cx.raw_header(HEADER) } else { None };
    let message = || format!("{HEADER} has 1 to {IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters");
    let read = |header: String| key(&header).ok_or_else(|| Problem::field(Code::InvalidField, HEADER, message()));
    header.map(read).transpose()
}

/// The answer that an earlier request with this key got. `None` if this request has claimed the
/// key.
async fn first_answer(cx: &RequestContext, db: &Db, company: &str, key: &str) -> Result<Option<Success>, Error> {
    // Without the deployment's key nothing can be sealed, so nothing runs.
    secrets::vault(cx.env())?;
    let path = cx.path_and_query();
    let hashes = body::ahead(cx, |body| Hashes::new(key, &path, body)).await?;
    let new_salt = hex(&random::bytes::<32>());
    let mut claimed = Claim::new(company, hashes, random::number(), new_salt);
    let Some(found) = claim(db, &claimed, cx.now_ms()).await? else {
        let message = format!("at most {IDEMPOTENCY_KEYS_MAX} requests in 24 hours have an {HEADER}");
        return Err(Problem::new(Code::LimitReached, message).into());
    };
    let Found { request, marker, status, answer, salt } = found;
    claimed.salt = salt;
    if request != claimed.hashes.request {
        let message = format!("this {HEADER} was sent with another path or body");
        return Err(Problem::new(Code::IdempotencyKeyReused, message).into());
    }
    let Some(status) = status else {
        if marker != claimed.marker {
            let message = format!("a request with this {HEADER} still runs");
            return Err(Problem::new(Code::IdempotencyKeyInUse, message).into());
        }
        cx.set_claim(claimed);
        return Ok(None);
    };
    let vault = secrets::answers_vault(cx.env(), &claimed.salt)?;
    let body = answer.and_then(|sealed| vault.open_sealed(&owner(&claimed), &sealed).ok());
    let message = format!("a request with this {HEADER} was answered, and its answer is no longer stored");
    let body = body.ok_or_else(|| Problem::new(Code::Conflict, message))?;
    Ok(Some(Success::Replayed(status, body)))
}

/// The statement that stores the answer of a request with a key, for the batch of what the request
/// creates: it stands directly after the statement that creates it.
pub(crate) fn with_effect(cx: &RequestContext, json: &str) -> Result<Option<Statement>, Error> {
    let Some(claim) = cx.claim() else { return Ok(None) };
    claim.has_answer.set(true);
    storing(cx, &claim, (200, json), true).map(Some)
}

/// The same for what is created in the directory. A deployment with several databases has the key
/// of the request in one and what it creates in another, so there the answer is stored afterwards.
pub(crate) fn with_effect_in_directory(cx: &RequestContext, json: &str) -> Result<Option<Statement>, Error> {
    if cells::all(cx.env()).len() > 1 { Ok(None) } else { with_effect(cx, json) }
}

/// Stores the answer, unless the handler did. Frees the key if the caller may send the request
/// again.
async fn remember(cx: &RequestContext, db: &Db, handled: &HandlerResult) -> Result<(), Error> {
    let Some(claim) = cx.claim() else { return Ok(()) };
    let answer = match handled {
        Ok(_) if claim.has_answer.get() => return Ok(()),
        Ok(json) => Some((200, Cow::Borrowed(json.as_str()))),
        Err(Error::Problem(problem)) => final_answer(problem, cx.request_id()).map(|(s, json)| (s, Cow::Owned(json))),
        Err(_) => None,
    };
    let statement = match answer {
        Some((status, json)) => storing(cx, &claim, (status, &json), false)?,
        None => releasing(&claim),
    };
    db.batch(db.bind_all(&[statement])?).await?;
    Ok(())
}

/// A problem that stays if the request is sent again, as status and body.
fn final_answer(problem: &Problem, request_id: &str) -> Option<(u16, String)> {
    let status = problem::status(problem.code);
    let passes = status >= 500 || problem::retry_after_s(problem.code).is_some();
    (!passes).then(|| (status, problem::json(problem, request_id)))
}

fn storing(
    cx: &RequestContext,
    claim: &Claim,
    (status, json): (u16, &str),
    in_batch: bool,
) -> Result<Statement, Error> {
    let vault = secrets::answers_vault(cx.env(), &claim.salt)?;
    let fits = json.len() <= IDEMPOTENCY_ANSWER_BYTES_MAX;
    let sealed = fits.then(|| vault.seal(&owner(claim), json, random::bytes()));
    Ok(remembering(claim, status, sealed.as_deref(), in_batch))
}

/// The name for which an answer is sealed.
fn owner(claim: &Claim) -> String {
    format!("{}/answer/{}", claim.company, claim.hashes.request)
}
