//! Finds a webhook of the admin's company.

use trackmate_wire::problem::{Code, Problem};

use crate::error::Error;
use crate::http::auth;
use crate::http::context::RequestContext;
use crate::store::subscriptions::{self, Subscription};

/// The webhook, or `not_found`.
pub(crate) async fn find(cx: &RequestContext, admin: &auth::Admin, id: &str) -> Result<Subscription, Error> {
    let subscription = subscriptions::find(cx.db(&admin.company)?, &admin.company, id).await?;
    subscription.ok_or_else(|| unknown().into())
}

pub(crate) fn unknown() -> Problem {
    Problem::new(Code::NotFound, "no webhook of this company has this id")
}
